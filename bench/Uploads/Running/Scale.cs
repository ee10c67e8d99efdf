namespace CellOS.Export.S3.Bench.Running;

/// <summary>How much of everything: what the command line asked for.</summary>
internal sealed record Scale
{
    public required bool Quick { get; init; }

    /// <summary>Of each contest.</summary>
    public required int Rounds { get; init; }

    /// <summary>Of each size.</summary>
    public required int SizeRounds { get; init; }

    /// <summary>Of the large file, in bytes.</summary>
    public required long LargeSize { get; init; }

    /// <summary>For how long small files are sent in one run, about.</summary>
    public required double Seconds { get; init; }

    /// <summary>In bytes, ascending.</summary>
    public required IReadOnlyList<long> Sizes { get; init; }

    /// <summary>How many files the command line tool is given.</summary>
    public required int Files { get; init; }

    internal static Scale Full(int? rounds) =>
        new()
        {
            Quick = false,
            Rounds = rounds ?? 5,
            SizeRounds = rounds ?? 3,
            LargeSize = 2L << 30,
            Seconds = 2,
            Sizes = [4 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20, 256 << 20, 1L << 30, 4L << 30],
            Files = 100_000,
        };

    internal static Scale Short(int? rounds) =>
        new()
        {
            Quick = true,
            Rounds = rounds ?? 2,
            SizeRounds = rounds ?? 1,
            LargeSize = 128 << 20,
            Seconds = 0.25,
            Sizes = [4 << 10, 1 << 20, 64 << 20, 256 << 20],
            Files = 10_000,
        };
}
