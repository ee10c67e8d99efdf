namespace CellOS.Export.S3.Bench.Plot;

/// <summary>A line through points.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="Style">Its class in the style sheet.</param>
/// <param name="Points">From left to right.</param>
internal sealed record Series(string Name, string Style, IReadOnlyList<(double X, double Y)> Points);
