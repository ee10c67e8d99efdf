using System.Globalization;
using System.Xml.Linq;

namespace CellOS.Export.S3.Bench.Plot;

/// <summary>One diagram: title, axes, grid, lines and, where there are several, a legend.</summary>
internal sealed record Panel(string Title, Axis X, Axis Y, IReadOnlyList<Series> Lines)
{
    internal const double Width = 460;
    internal const double Height = 320;
    private const double Left = 68;
    private const double Right = 20;
    private const double Top = 40;
    private const double Bottom = 56;
    private static readonly XNamespace Svg = Picture.Svg;

    /// <param name="left">Where its upper left corner is.</param>
    /// <param name="top">In the same units.</param>
    internal XElement Draw(double left, double top) =>
        new(
            Svg + "g",
            new XAttribute("transform", $"translate({Text(left)} {Text(top)})"),
            Write(Title, Left, 20, "title", "start"),
            Y.Marks.Select(mark => Grid(Left, At(0, mark.Value).Y, Width - Right, At(0, mark.Value).Y)),
            X.Marks.Select(mark => Grid(At(mark.Value, 0).X, Top, At(mark.Value, 0).X, Height - Bottom)),
            Y.Marks.Select(mark => Write(mark.Text, Left - 8, At(0, mark.Value).Y + 4, "mark", "end")),
            X.Marks.Select(mark =>
                Write(mark.Text, At(mark.Value, 0).X, Height - Bottom + 18, "mark", "middle")
            ),
            Write(X.Label, (Left + Width - Right) / 2, Height - Bottom + 40, "label", "middle"),
            new XElement(
                Svg + "g",
                new XAttribute("transform", $"translate(14 {Text((Top + Height - Bottom) / 2)}) rotate(-90)"),
                Write(Y.Label, 0, 0, "label", "middle")
            ),
            Lines.Select(Draw),
            Lines.Count > 1 ? Lines.Select(Legend) : []
        );

    private XElement Draw(Series line) =>
        new(
            Svg + "g",
            new XAttribute("class", line.Style),
            new XElement(
                Svg + "polyline",
                new XAttribute(
                    "points",
                    string.Join(
                        ' ',
                        line.Points.Select(point => At(point.X, point.Y))
                            .Select(at => $"{Text(at.X)},{Text(at.Y)}")
                    )
                )
            ),
            line.Points.Select(point => At(point.X, point.Y))
                .Select(at => new XElement(
                    Svg + "circle",
                    new XAttribute("cx", Text(at.X)),
                    new XAttribute("cy", Text(at.Y)),
                    new XAttribute("r", 3)
                ))
        );

    /// <summary>Low and to the right: what is drawn begins at 0 or grows, so no line comes there.</summary>
    private static XElement Legend(Series line, int index)
    {
        const double Begin = Width - Right - 245;
        var y = Height - Bottom - 34 + 18 * index;
        return new XElement(
            Svg + "g",
            new XAttribute("class", line.Style),
            new XElement(
                Svg + "line",
                new XAttribute("x1", Begin),
                new XAttribute("x2", Begin + 24),
                new XAttribute("y1", y),
                new XAttribute("y2", y)
            ),
            Write(line.Name, Begin + 30, y + 4, "label", "start")
        );
    }

    private static XElement Grid(double x1, double y1, double x2, double y2) =>
        new(
            Svg + "line",
            new XAttribute("class", "grid"),
            new XAttribute("x1", Text(x1)),
            new XAttribute("y1", Text(y1)),
            new XAttribute("x2", Text(x2)),
            new XAttribute("y2", Text(y2))
        );

    private static XElement Write(string text, double x, double y, string style, string anchor) =>
        new(
            Svg + "text",
            new XAttribute("class", style),
            new XAttribute("x", Text(x)),
            new XAttribute("y", Text(y)),
            new XAttribute("text-anchor", anchor),
            text
        );

    private (double X, double Y) At(double x, double y) =>
        (Left + X.Place(x) * (Width - Left - Right), Height - Bottom - Y.Place(y) * (Height - Top - Bottom));

    private static string Text(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);
}
