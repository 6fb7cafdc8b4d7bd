// chart: small charts as inline SVG, drawn here so that they need no script.
//
// Colours are classes (.chart .bar, .line, .axis, .label), so a style sheet decides them, dark
// schemes included. Each has a title that screen readers and tooltips tell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace b24::chart {

struct Point {
  Millis at = 0;
  double value = 0;
  bool known = true;  // false: a gap
};

struct Options {
  std::string_view id;       // unique in the page
  std::string_view title;    // of the whole
  std::string_view summary;  // for those who cannot see it: "highest 12, sum 40"
  bool days = false;
};

// One bar for each hour, or for each day (of points that are midnights).
std::string bars(const Options& options, const std::vector<Point>& points);
// A line with a dot for each known point.
std::string line(const Options& options, const std::vector<Point>& points);
// How much of `size` is used.
std::string gauge(const Options& options, double level, double size);

// With one digit behind the point, where that is not 0.
std::string number(double value);
// By strftime, in the server's time zone, as hook.log.
std::string time_text(Millis at, const char* format);

// The next round number at or above: 1, 2, 5, 10, 20, 50, ...
double round_up(double value);

}  // namespace b24::chart
