// chart: see chart.h.
#include "chart.h"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <utility>

#include "base/text.h"
#include "value/value.h"

namespace b24::chart {
namespace {

// The drawing's own units; the page scales it.
constexpr double kWidth = 480;
constexpr double kHeight = 132;
constexpr double kLeft = 44;
constexpr double kTop = 8;
constexpr double kBottom = 22;
constexpr double kPlotWidth = kWidth - kLeft - 4;
constexpr double kPlotHeight = kHeight - kTop - kBottom;
constexpr double kGaugeHeight = 34;

constexpr std::pair<const char*, const char*> kEscapes[] = {
    {"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}};

std::string escape(std::string_view words) {
  std::string out(words);
  for (const auto& [what, with] : kEscapes) b24::text::replace_all(out, what, with);
  return out;
}

std::string open(const Options& options, double height) {
  const std::string id(options.id);
  return "<svg class=\"chart\" viewBox=\"0 0 " + number(kWidth) + " " + number(height) +
         "\" role=\"img\" aria-labelledby=\"" + id + "-t " + id + "-d\"><title id=\"" + id +
         "-t\">" + escape(options.title) + "</title><desc id=\"" + id + "-d\">" +
         escape(options.summary) + "</desc>";
}

std::string text(double x, double y, std::string_view anchor, std::string_view words) {
  return "<text class=\"label\" x=\"" + number(x) + "\" y=\"" + number(y) + "\" text-anchor=\"" +
         std::string(anchor) + "\">" + escape(words) + "</text>";
}

std::string level_line(double y) {
  return "<line class=\"axis\" x1=\"" + number(kLeft) + "\" x2=\"" + number(kLeft + kPlotWidth) +
         "\" y1=\"" + number(y) + "\" y2=\"" + number(y) + "\"/>";
}

double slot_width(const std::vector<Point>& points) {
  return kPlotWidth / static_cast<double>(std::max<std::size_t>(points.size(), 1));
}

double y_of(double value, double top) {
  return kTop + kPlotHeight * (1 - value / top);
}

// How a time is written below; null: it is not.
const char* mark_of(Millis at, bool days) {
  if (days) return time_text(at, "%u") == "1" ? "%d.%m." : nullptr;
  const std::string hour = time_text(at, "%H");
  return hour == "00" ? "%d.%m." : hour == "12" ? "%H:%M" : nullptr;
}

// The scale at the left, and the hours or days below.
std::string axes(const Options& options, const std::vector<Point>& points, double top) {
  std::string out;
  for (const double part : {0.0, 0.5, 1.0}) {
    const double y = y_of(top * part, top);
    out += level_line(y);
    // There is no half lead, and the middle of 0.5 has no short number.
    if (part != 0.5 || top * part == std::floor(top * part)) {
      out += text(kLeft - 6, y + 4, "end", Value(top * part).text());
    }
  }
  const double slot = slot_width(points);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const char* format = mark_of(points[i].at, options.days);
    if (format == nullptr) continue;
    const double x = kLeft + slot * static_cast<double>(i);
    out += "<line class=\"axis\" x1=\"" + number(x) + "\" x2=\"" + number(x) + "\" y1=\"" +
           number(kTop + kPlotHeight) + "\" y2=\"" + number(kTop + kPlotHeight + 4) + "\"/>";
    out += text(x, kHeight - 5, "middle", time_text(points[i].at, format));
  }
  return out;
}

double top_of(const std::vector<Point>& points) {
  double highest = 0;
  for (const Point& point : points) {
    if (point.known) highest = std::max(highest, point.value);
  }
  return round_up(highest);
}

std::string tooltip(const Options& options, const Point& point) {
  return "<title>" + time_text(point.at, options.days ? "%d.%m." : "%d.%m. %H:%M") + ": " +
         number(point.value) + "</title>";
}

}  // namespace

std::string number(double value) {
  return Value(std::round(value * 10) / 10 + 0.0).text();
}

std::string time_text(Millis at, const char* format) {
  const std::time_t seconds = at / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char buffer[40];
  std::strftime(buffer, sizeof buffer, format, &local);
  return buffer;
}

double round_up(double value) {
  if (!(value > 0)) return 1;
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * power * (1 + 1e-9)) return step * power;
  }
  return 10 * power;
}

std::string bars(const Options& options, const std::vector<Point>& points) {
  const double top = top_of(points);
  const double slot = slot_width(points);
  std::string out = open(options, kHeight) + axes(options, points, top);
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (!point.known || point.value <= 0) continue;
    const double height = std::max(1.5, kPlotHeight * point.value / top);
    out += "<rect class=\"bar\" x=\"" +
           number(kLeft + slot * static_cast<double>(i) + slot * 0.12) + "\" y=\"" +
           number(kTop + kPlotHeight - height) + "\" width=\"" + number(slot * 0.76) +
           "\" height=\"" + number(height) + "\" rx=\"1\">" + tooltip(options, point) + "</rect>";
  }
  return out + "</svg>";
}

std::string line(const Options& options, const std::vector<Point>& points) {
  const double top = top_of(points);
  const double slot = slot_width(points);
  std::string path;
  std::string dots;
  bool drawing = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& point = points[i];
    if (!point.known) {
      drawing = false;
      continue;
    }
    const std::string x = number(kLeft + slot * (static_cast<double>(i) + 0.5));
    const std::string y = number(y_of(point.value, top));
    path += (drawing ? "L" : "M") + x + " " + y;
    dots += "<circle class=\"dot\" cx=\"" + x + "\" cy=\"" + y + "\" r=\"2.5\">" +
            tooltip(options, point) + "</circle>";
    drawing = true;
  }
  std::string out = open(options, kHeight) + axes(options, points, top);
  if (!path.empty()) out += "<path class=\"line\" d=\"" + path + "\"/>" + dots;
  return out + "</svg>";
}

std::string gauge(const Options& options, double level, double size) {
  const double part = size > 0 ? std::clamp(level / size, 0.0, 1.0) : 0;
  const std::string_view look = part > 0.8 ? "bar full" : "bar";
  return open(options, kGaugeHeight) + "<rect class=\"track\" x=\"0\" y=\"2\" width=\"" +
         number(kWidth) + "\" height=\"14\" rx=\"7\"/><rect class=\"" + std::string(look) +
         "\" x=\"0\" y=\"2\" width=\"" + number(kWidth * part) + "\" height=\"14\" rx=\"7\"/>" +
         text(0, kGaugeHeight - 4, "start", number(level)) +
         text(kWidth, kGaugeHeight - 4, "end", number(size)) + "</svg>";
}

}  // namespace b24::chart
