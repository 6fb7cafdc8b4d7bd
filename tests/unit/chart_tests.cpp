// chart_tests: charts are well-formed, say what they show, and stay inside their frame.
#include "checkserver/chart.h"

#include <boost/test/unit_test.hpp>
#include <regex>

namespace chart_tests {

using namespace b24;
using namespace b24::chart;

constexpr Options kOptions{"c1", "Leads <per> \"hour\" & more", "highest 9"};

std::vector<Point> points(std::initializer_list<double> values) {
  std::vector<Point> made;
  for (const double value : values) {
    made.push_back({static_cast<Millis>(made.size()) * 3'600'000, value, value >= 0});
  }
  return made;
}

int count(const std::string& text, const std::string& what) {
  int found = 0;
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + 1)) ++found;
  return found;
}

// Every element that is opened is closed, in order.
void check_well_formed(const std::string& svg) {
  static const std::regex tag("<(/?)([a-z]+)([^<>]*?)(/?)>");
  std::vector<std::string> open;
  for (std::sregex_iterator it(svg.begin(), svg.end(), tag), end; it != end; ++it) {
    const std::string name = (*it)[2];
    if ((*it)[1] == "/") {
      BOOST_REQUIRE(!open.empty());
      BOOST_TEST(open.back() == name);
      open.pop_back();
    } else if ((*it)[4] != "/") {
      open.push_back(name);
    }
  }
  BOOST_TEST(open.empty());
  BOOST_TEST(!svg.contains("style="));  // the content security policy forbids it
  BOOST_TEST(!svg.contains("nan"));
  BOOST_TEST(!svg.contains("inf"));
}

}  // namespace chart_tests

BOOST_AUTO_TEST_SUITE(chart_tests)

BOOST_AUTO_TEST_CASE(a_chart_tells_its_title_to_those_who_cannot_see_it) {
  const std::string svg = bars(kOptions, points({1, 2, 9}));
  BOOST_TEST(svg.contains("role=\"img\" aria-labelledby=\"c1-t c1-d\""));
  BOOST_TEST(
      svg.contains("<title id=\"c1-t\">Leads &lt;per&gt; &quot;hour&quot; &amp; more</title>"));
  BOOST_TEST(svg.contains("<desc id=\"c1-d\">highest 9</desc>"));
}

BOOST_AUTO_TEST_CASE(every_value_has_its_bar_and_nothing_has_none) {
  const std::string svg = bars(kOptions, points({0, 2, 0, 5}));
  BOOST_TEST(count(svg, "<rect class=\"bar\"") == 2);
  check_well_formed(svg);
  BOOST_TEST(count(bars(kOptions, {}), "<rect") == 0);
  check_well_formed(bars(kOptions, {}));
}

BOOST_AUTO_TEST_CASE(the_scale_says_whole_middles_and_true_tops) {
  for (const auto& [top, middle, shown] :
       {std::tuple{10.0, ">5<", true}, {5.0, ">2.5<", false}, {1.0, ">0.5<", false}}) {
    const std::string svg = bars(kOptions, points({top, 0}));
    BOOST_TEST(svg.contains(">" + std::to_string(static_cast<int>(top)) + "<"));
    BOOST_TEST(svg.contains(middle) == shown, svg);
  }
  BOOST_TEST(line(kOptions, points({0.04})).contains(">0.05<"));
}

BOOST_AUTO_TEST_CASE(a_gap_breaks_the_line) {
  const std::string svg = line(kOptions, points({1, 2, -1, 4, 5}));
  check_well_formed(svg);
  BOOST_TEST(count(svg, "<circle") == 4);
  const auto path = svg.substr(svg.find(" d=\"") + 4);
  BOOST_TEST(count(path.substr(0, path.find('"')), "M") == 2);
  BOOST_TEST(!line(kOptions, points({-1, -1})).contains("<path"));
}

BOOST_AUTO_TEST_CASE(bars_stay_inside_whatever_the_values) {
  static const std::regex bar(
      "<rect class=\"bar\" x=\"([0-9.]+)\" y=\"([0-9.]+)\" width=\"([0-9.]+)\""
      " height=\"([0-9.]+)\"");
  for (const double big : {0.001, 1.0, 7.0, 1e3, 123456789.0}) {
    const std::string svg = bars(kOptions, points({big, big / 3, 0, big / 1e6}));
    check_well_formed(svg);
    int found = 0;
    for (std::sregex_iterator it(svg.begin(), svg.end(), bar), end; it != end; ++it, ++found) {
      BOOST_TEST(std::stod((*it)[1]) + std::stod((*it)[3]) <= 480);
      BOOST_TEST(std::stod((*it)[2]) + std::stod((*it)[4]) <= 132);
    }
    BOOST_TEST(found == 3);
  }
}

BOOST_AUTO_TEST_CASE(scales_end_at_round_numbers) {
  const std::pair<double, double> wanted[] = {{0, 1},       {-3, 1},   {1, 1},     {1.1, 2},
                                              {3, 5},       {7, 10},   {10, 10},   {11, 20},
                                              {0.03, 0.05}, {99, 100}, {501, 1000}};
  for (const auto& [value, top] : wanted) {
    BOOST_TEST(round_up(value) == top, boost::test_tools::tolerance(1e-9));
  }
}

BOOST_AUTO_TEST_CASE(a_gauge_is_never_over_full) {
  for (const auto& [level, size] : {std::pair{0.0, 50.0}, {12.5, 50.0}, {80.0, 50.0}, {1.0, 0.0}}) {
    check_well_formed(gauge(kOptions, level, size));
  }
  BOOST_TEST(gauge(kOptions, 80, 50).contains("width=\"480\" height=\"14\" rx=\"7\"/><text"));
  BOOST_TEST(gauge(kOptions, 45, 50).contains("bar full"));
  BOOST_TEST(!gauge(kOptions, 12, 50).contains("bar full"));
}

BOOST_AUTO_TEST_CASE(days_are_marked_by_their_mondays) {
  std::vector<Point> month;
  for (int day = 0; day < 30; ++day) month.push_back({day * b24::kDay + 12 * b24::kHour, 1});
  Options options = kOptions;
  options.days = true;
  const std::string svg = bars(options, month);
  check_well_formed(svg);
  BOOST_TEST(svg.contains(">05.01.<"));  // 1970
  BOOST_TEST(svg.contains(">26.01.<"));
  BOOST_TEST(!svg.contains(">06.01.<"));
  BOOST_TEST(!svg.contains("12:00"));
}

BOOST_AUTO_TEST_SUITE_END()
