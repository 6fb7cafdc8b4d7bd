# chart.awk: lines over evenly spaced labels, as SVG that is read on light and dark ground.
# Input: the title; the labels; then a line for each series, "name:value value...".
NR == 1 { title = $0; next }
NR == 2 { columns = split($0, label, " "); next }
{
  at = index($0, ":")
  name[++series] = substr($0, 1, at - 1)
  n = split(substr($0, at + 1), values, " ")
  for (i = 1; i <= n; ++i) { value[series, i] = values[i]; if (values[i] > most) most = values[i] }
}
function x(i) { return 60 + (i - 1) * 460 / (columns > 1 ? columns - 1 : 1) }
function y(v) { return 290 - v * 240 / most }
END {
  split("#2f6fde #d9822b #2a9d5c #b0457b", color, " ")
  print "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 330\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#777\">"
  printf "<title>%s</title><text x=\"60\" y=\"24\" font-size=\"15\">%s</text>\n", title, title
  for (i = 0; i <= 4; ++i)
    printf "<path d=\"M60 %g H520\" stroke=\"#8884\"/><text x=\"52\" y=\"%g\" text-anchor=\"end\">%d</text>\n",
      y(most * i / 4), y(most * i / 4) + 4, most * i / 4
  for (i = 1; i <= columns; ++i) printf "<text x=\"%g\" y=\"312\" text-anchor=\"middle\">%s</text>\n", x(i), label[i]
  for (s = 1; s <= series; ++s) {
    line = ""
    for (i = 1; i <= columns; ++i) line = line (i > 1 ? " L" : "M") x(i) " " y(value[s, i])
    printf "<path d=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\"/>\n", line, color[s]
    printf "<text x=\"530\" y=\"%g\" fill=\"%s\">%s</text>\n", 40 + s * 20, color[s], name[s]
  }
  print "</svg>"
}
