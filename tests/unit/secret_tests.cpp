// secret_tests: comparison, signing, random ids, encodings, masks.
#include "base/secret.h"
#include "value/value.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cmath>
#include <ctime>
#include <functional>
#include <random>
#include <set>
#include <vector>

#include "base/clock.h"
#include "decorators.h"

using namespace b24;

namespace secret_tests {

// Mean and variance, one by one.
struct Times {
  double count = 0, mean = 0, squares = 0;
  void add(double time) {
    const double delta = time - mean;
    mean += delta / ++count;
    squares += delta * (time - mean);
  }
  double error() const { return squares / (count - 1) / count; }
};

// |t| of a million comparisons with the one guess or the other.
double timing_difference(const std::function<bool(const std::string&)>& compare,
                         const std::array<std::string, 2>& guesses) {
  using Clock = std::chrono::steady_clock;
  constexpr int kRuns = 1'000'000, kFirst = 10'000;
  std::mt19937 random(std::random_device{}());
  std::vector<double> first;
  double longest = 0;
  std::array<Times, 2> times;
  for (int run = 0; run < kRuns; ++run) {
    const std::size_t which = random() % 2;
    const auto begun = Clock::now();
    const bool equal = compare(guesses[which]);
    const auto took = std::chrono::duration<double, std::nano>(Clock::now() - begun).count();
    BOOST_REQUIRE(!equal);
    if (run < kFirst) {
      first.push_back(took);
      if (run == kFirst - 1) {
        std::ranges::sort(first);
        longest = first[kFirst * 9 / 10];
      }
    } else if (took <= longest) {
      times[which].add(took);
    }
  }
  return std::abs(times[0].mean - times[1].mean) / std::sqrt(times[0].error() + times[1].error());
}

}  // namespace secret_tests

BOOST_AUTO_TEST_SUITE(secret_tests)

BOOST_AUTO_TEST_CASE(sha256_gives_the_published_digests) {
  BOOST_TEST(secret::hex(secret::sha256("")) ==
             "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  BOOST_TEST(secret::hex(secret::sha256("abc")) ==
             "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  BOOST_TEST(secret::hex(secret::sha256(std::string(1'000'000, 'a'))) ==
             "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

BOOST_AUTO_TEST_CASE(hmac_gives_the_digests_of_rfc_4231) {
  const struct {
    std::string key, text, want;
  } cases[] = {
      {std::string(20, '\x0b'), "Hi There",
       "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
      {"Jefe", "what do ya want for nothing?",
       "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
      {std::string(20, '\xaa'), std::string(50, '\xdd'),
       "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"},
      {std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First",
       "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
      {std::string(131, '\xaa'),
       "This is a test using a larger than block-size key and a larger than block-size data. The "
       "key needs to be hashed before being used by the HMAC algorithm.",
       "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"},
  };
  for (const auto& [key, text, want] : cases)
    BOOST_TEST(secret::hex(secret::hmac_sha256(key, text)) == want);
}

BOOST_AUTO_TEST_CASE(only_equal_texts_are_equal) {
  BOOST_TEST(secret::equal("", ""));
  BOOST_TEST(secret::equal("token", "token"));
  for (const char* other : {"", "t", "toke", "tokens", "Token", "tokem"})
    BOOST_TEST(!secret::equal("token", other), other);
  BOOST_TEST(!secret::equal(std::string_view("a\0b", 3), "a"));
}

// By clocks, so only `make check-timing` runs it: Welch's t of the times that two kinds of guesses
// take, in turn by chance, the longest left out (as dudect does). That it can tell two kinds apart
// is seen by a comparison that stops at the first difference.
BOOST_AUTO_TEST_CASE(a_guess_takes_as_long_however_much_of_it_is_right,
                     *when_named() * shows("T20")) {
  const std::string right(64, 'a');
  const auto t_of = [&](const std::function<bool(const std::string&)>& compare) {
    return timing_difference(compare, {std::string(64, 'b'), std::string(63, 'a') + 'b'});
  };
  const double naive = t_of([&](const std::string& guess) {
    std::size_t at = 0;
    while (at < right.size() && right[at] == guess[at]) ++at;
    return at == right.size();
  });
  BOOST_TEST(naive > 10);
  const double ours = t_of([&](const std::string& guess) { return secret::equal(right, guess); });
  BOOST_TEST_MESSAGE("t = " << ours << ", of one that stops early " << naive);
  BOOST_TEST(ours < 4.5);
}

BOOST_AUTO_TEST_CASE(base64_is_that_of_rfc_4648) {
  const struct {
    std::string bytes, padded, url;
  } cases[] = {{"", "", ""},
               {"f", "Zg==", "Zg"},
               {"fo", "Zm8=", "Zm8"},
               {"foo", "Zm9v", "Zm9v"},
               {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
               {"\xfb\xff\xbf", "+/+/", "-_-_"}};
  for (const auto& [bytes, padded, url] : cases) {
    BOOST_TEST(secret::base64(bytes) == padded);
    BOOST_TEST(secret::base64_url(bytes) == url);
    BOOST_TEST(secret::decode_base64(padded) == bytes);
    BOOST_TEST(secret::decode_base64(url) == bytes);
  }
  const std::string any = secret::random_bytes(1000);
  BOOST_TEST(secret::decode_base64(secret::base64(any)) == any);
}

BOOST_AUTO_TEST_CASE(malformed_base64_decodes_to_nothing) {
  for (const char* bad : {"Z", "Zg=a", "Zm9v!", "Zm 9v", "Zh==", "=", "====", "Zm9vZ"})
    BOOST_TEST(secret::decode_base64(bad) == "", bad);
}

BOOST_AUTO_TEST_CASE(ids_are_short_unique_and_sorted_by_time) {
  std::set<std::string> ids;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = secret::new_id();
    BOOST_TEST_REQUIRE(id.size() == 26U);
    BOOST_TEST_REQUIRE(
        (id.find_first_not_of("0123456789abcdefghjkmnpqrstvwxyz") == std::string::npos));
    ids.insert(id);
  }
  BOOST_TEST(ids.size() == 1000U);
  const std::string before = secret::new_id();
  for (const Millis start = now_ms(); now_ms() == start;) {
  }
  BOOST_TEST(before.substr(0, 10) < secret::new_id().substr(0, 10));
}

// "No such file" was once printed as "*** such file".
BOOST_AUTO_TEST_CASE(words_behind_the_name_of_a_file_are_no_secrets) {
  for (const char* text : {"/var/lib/b24hooks/form.key: No such file or directory",
                           "open /run/secret: Permission denied", "data/token: Is a directory"}) {
    BOOST_TEST(secret::mask(text) == text);
  }
  BOOST_TEST(secret::mask("token: a1") == "token: ***");
  BOOST_TEST(secret::mask("auth.token: a1b2c3") == "auth.token: ***");
  BOOST_TEST(secret::mask("/token: a1b2c3") == "/token: ***");
  BOOST_TEST(secret::mask("data/form.key: No such file") == "data/form.key: No such file");
  BOOST_TEST(secret::mask("data/form.key: Permission denied") ==
             "data/form.key: Permission denied");
  BOOST_TEST(secret::mask("/in?key=a1") == "/in?key=***");
  BOOST_TEST(secret::mask("checkserver.key=a1") == "checkserver.key=***");
  BOOST_TEST(secret::mask("{\"x.token\": \"a1\"}") == "{\"x.token\": \"***\"}");
}

BOOST_AUTO_TEST_CASE(a_child_and_its_parent_get_different_ids) {
  secret::new_id();
  int ends[2];
  BOOST_REQUIRE_EQUAL(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string bytes = secret::random_bytes(32);
    _exit(write(ends[1], bytes.data(), bytes.size()) == 32 ? 0 : 1);
  }
  std::string theirs(32, '\0');
  BOOST_TEST(read(ends[0], theirs.data(), theirs.size()) == 32);
  BOOST_TEST((theirs != secret::random_bytes(32)));
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
}

BOOST_AUTO_TEST_CASE(webhook_urls_are_masked_in_every_form, *shows("T25")) {
  const std::pair<const char*, const char*> cases[] = {
      {"https://p.bitrix24.com/rest/1/abcdef/crm.lead.add",
       "https://p.bitrix24.com/rest/1/***/crm.lead.add"},
      {"https://p.bitrix24.com/rest/1/abcdef", "https://p.bitrix24.com/rest/1/***"},
      {"https://p.bitrix24.com/rest/1/abcdef/", "https://p.bitrix24.com/rest/1/***/"},
      {"see https://p/rest/12/a1-b_2~c.d/x.json?a=b, and",
       "see https://p/rest/12/***/x.json?a=b, and"},
      {"https://p/REST/1/ABCDEF/m", "https://p/REST/1/***/m"},
      {"https://p/rest/api/1/abcdef/m", "https://p/rest/api/1/***/m"},
      {"https://p//rest//1//abcdef//m", "https://p//rest//1//***//m"},
      {"https:\\/\\/p\\/rest\\/1\\/abcdef\\/m", "https:\\/\\/p\\/rest\\/1\\/***\\/m"},
      {"https%3A%2F%2Fp%2Frest%2F1%2Fabcdef%2Fm", "https%3A%2F%2Fp%2Frest%2F1%2F***%2Fm"},
      {"p%252Frest%252F1%252Fabcdef%252Fm", "p%252Frest%252F1%252F***%252Fm"},
      {"p\\u002frest\\u002f1\\u002fabcdef\\u002fm", "p\\u002frest\\u002f1\\u002f***\\u002fm"},
      {"/rest/1/ab%63def/m", "/rest/1/***/m"},
      {"two: /rest/1/aaa/m /rest/2/bbb/m", "two: /rest/1/***/m /rest/2/***/m"},
  };
  for (const auto& [text, want] : cases) BOOST_TEST(secret::mask(text) == want);
}

BOOST_AUTO_TEST_CASE(values_of_secret_names_are_masked_in_every_form) {
  const std::pair<const char*, const char*> cases[] = {
      {"application_token=abc&x=1", "application_token=***&x=1"},
      {"auth[application_token]=abc&x=1", "auth[application_token]=***&x=1"},
      {"auth%5Bapplication_token%5D=abc&x=1", "auth%5Bapplication_token%5D=***&x=1"},
      {"q=auth%255Baccess_token%255D%3Dabc%26x", "q=auth%255Baccess_token%255D%3D***%26x"},
      {"q=auth%255Btoken%255D%3Dabc%26x", "q=auth%255Btoken%255D%3D***%26x"},
      {"{\"access_token\":\"a\\\"b\",\"x\":1}", "{\"access_token\":\"***\",\"x\":1}"},
      {"{\"secret\": 12345, \"x\":1}", "{\"secret\": ***, \"x\":1}"},
      {"{\\\"password\\\":\\\"abc\\\",\\\"x\\\":1}", "{\\\"password\\\":\\\"***\\\",\\\"x\\\":1}"},
      {"    [refresh_token] => a b c\n    [x] => 1", "    [refresh_token] => ***\n    [x] => 1"},
      {"PASSWORD='a b' x", "PASSWORD='***' x"},
      {"Authorization: Bearer abc.def\r\nHost: x", "Authorization: ***\r\nHost: x"},
      {"client_secret = abc def", "client_secret = *** def"},
      {"X-B24hooks-Key: abc", "X-B24hooks-Key: ***"},
  };
  for (const auto& [text, want] : cases) BOOST_TEST(secret::mask(text) == want);
}

BOOST_AUTO_TEST_CASE(what_is_no_secret_stays) {
  for (const char* text :
       {"", "/rest/", "/rest/1/", "/rest/crm.lead.add", "the rest/1 of it", "monkey=banana",
        "auth[domain]=p.bitrix24.com", "[auth] => Array\n(\n", "{\"auth\":{\"domain\":\"p\"}}",
        "token=&x=1", "the secret is out", "100%5", "%", "/rest", "%2", "key"})
    BOOST_TEST(secret::mask(text) == text);
}

BOOST_AUTO_TEST_CASE(masking_takes_linear_time) {
  for (const char* part :
       {"/", "/rest/", "/rest/1/", "\\", "secret=", "secret   ", "%2F", "\"key\":\"\\"}) {
    std::string text;
    while (text.size() < 2'000'000) text += part;
    const auto start = std::clock();
    secret::mask(text);
    // Quadratic time would be hours.
    BOOST_TEST(double(std::clock() - start) / CLOCKS_PER_SEC < 20, part);
  }
}

BOOST_AUTO_TEST_CASE(a_tree_is_masked_by_its_names) {
  const Value event = Value::map(
      {{"event", "ONAPPTEST"},
       {"auth", Value::map({{"domain", "p"}, {"application_token", "abc"}, {"Access_Token", 7}})},
       {"password", Value::list({"a", Value::map({{"x", "b"}})})},
       {"token", ""},
       {"data", Value::map({{"auth", "abc"}})}});
  const Value want = Value::map(
      {{"event", "ONAPPTEST"},
       {"auth",
        Value::map({{"domain", "p"}, {"application_token", "***"}, {"Access_Token", "***"}})},
       {"password", Value::list({"***", Value::map({{"x", "***"}})})},
       {"token", ""},
       {"data", Value::map({{"auth", "***"}})}});
  BOOST_TEST((mask_tree(event) == want));
}

BOOST_AUTO_TEST_SUITE_END()
