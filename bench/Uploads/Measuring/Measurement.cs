namespace CellOS.Export.S3.Bench.Measuring;

/// <summary>What one process measured of one peer, its warm-up left out, but for the memory.</summary>
internal sealed record Measurement
{
    public required string Peer { get; init; }

    /// <summary>What was taken on the way: a word of <see cref="Peers.DigestChoice"/>.</summary>
    public required string Digests { get; init; }

    /// <summary>Of each file, in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>How many pushes.</summary>
    public required int Count { get; init; }

    /// <summary>How many of them at once.</summary>
    public required int Concurrency { get; init; }

    /// <summary>How many pushes went before, to load and to compile all code.</summary>
    public required int WarmUps { get; init; }

    /// <summary>From the beginning of the first push to the end of the last, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>User and system time in that, of this process (of curl's, for curl), in seconds.</summary>
    public required double CpuSeconds { get; init; }

    /// <summary>What the garbage collector gave out for each push, in bytes; null for what is not .NET.</summary>
    public required double? AllocatedPerPush { get; init; }

    /// <summary>The most memory that the process ever had, in bytes; null where the system does not tell.</summary>
    public required long? PeakRss { get; init; }

    /// <summary>Collections of the generations 0, 1 and 2; null for what is not .NET.</summary>
    public required IReadOnlyList<int>? Collections { get; init; }

    /// <summary>User and system time of the broker in that, in seconds; null for what asks no broker.</summary>
    public double? BrokerCpuSeconds { get; init; }

    internal double SecondsPerPush => Seconds / Count;

    internal double CpuSecondsPerPush => CpuSeconds / Count;

    /// <summary>Each push asks for one URL.</summary>
    internal double? BrokerCpuSecondsPerUrl => BrokerCpuSeconds / Count;
}
