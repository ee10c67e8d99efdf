using System.Xml.Linq;

namespace CellOS.Export.S3.Bench.Plot;

/// <summary>Panels, two in a row, with colours for light and dark pages and the reader's own fonts.</summary>
internal static class Picture
{
    internal static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    /// <summary>Blue and orange, which those who see no red or green tell apart as well.</summary>
    private const string Style = """
        text { font-family: system-ui, sans-serif; fill: #24292f; stroke: none }
        .title { font-size: 14px; font-weight: 600 }
        .label { font-size: 12px }
        .mark { font-size: 11px; fill: #57606a }
        .page { fill: #ffffff }
        .grid { stroke: #d0d7de; stroke-width: 1 }
        .sink { stroke: #0969da; fill: #0969da; stroke-width: 2 }
        .digests { stroke: #bc4c00; fill: #bc4c00; stroke-width: 2; stroke-dasharray: 6 4 }
        polyline { fill: none }
        circle { stroke: none }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3 }
          .mark { fill: #9198a1 }
          .page { fill: #0d1117 }
          .grid { stroke: #30363d }
          .sink { stroke: #58a6ff; fill: #58a6ff }
          .digests { stroke: #f0883e; fill: #f0883e }
        }
        """;

    /// <param name="title">For those who do not see it.</param>
    /// <param name="panels">One or more.</param>
    internal static XDocument Draw(string title, IReadOnlyList<Panel> panels)
    {
        var (width, height) = (
            Panel.Width * Math.Min(2, panels.Count),
            Panel.Height * ((panels.Count + 1) / 2)
        );
        return new XDocument(
            new XElement(
                Svg + "svg",
                new XAttribute("viewBox", $"0 0 {width} {height}"),
                new XAttribute("width", width),
                new XAttribute("height", height),
                new XAttribute("role", "img"),
                new XElement(Svg + "title", title),
                new XElement(Svg + "style", Style),
                new XElement(
                    Svg + "rect",
                    new XAttribute("class", "page"),
                    new XAttribute("width", width),
                    new XAttribute("height", height)
                ),
                panels.Select((panel, i) => panel.Draw(i % 2 * Panel.Width, i / 2 * Panel.Height))
            )
        );
    }
}
