const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
for (const chart of document.querySelectorAll(".chart")) {
  const spec = JSON.parse(chart.nextElementSibling.textContent);
  // ast: expressions are interpreted, so that the page's policy can forbid eval
  vegaEmbed(chart, spec, {mode: "vega-lite", renderer: "svg", actions: false, ast: true, tooltip: {theme}});
}
