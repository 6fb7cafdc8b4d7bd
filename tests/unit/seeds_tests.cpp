// seeds_tests: every seed of the fuzzers, whole and cut at every byte.
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

#include "decorators.h"
#include "fuzz_targets.h"
#include "process.h"

BOOST_AUTO_TEST_SUITE(seeds_tests)

BOOST_AUTO_TEST_CASE(every_seed_and_every_cut_of_it_keeps_what_must_hold,
                     *shows("F6") * shows("A18")) {
  for (const auto& target : b24::test::kFuzzTargets) {
    std::size_t seeds = 0;
    const std::string directory = std::string("tests/fuzz/seeds/") + target.name;
    for (const auto& file : std::filesystem::directory_iterator(directory)) {
      const std::string seed = b24::test::read_file(file.path());
      for (std::size_t length = 0; length <= seed.size(); ++length)
        BOOST_CHECK_NO_THROW(target.run(std::string_view(seed).substr(0, length)));
      ++seeds;
    }
    BOOST_TEST(seeds >= 2u, target.name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
