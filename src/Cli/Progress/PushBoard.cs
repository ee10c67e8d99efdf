using System.Collections.Concurrent;

namespace CellOS.Export.S3.Cli.Progress;

/// <summary>An artifact that is under way.</summary>
/// <param name="Name">The name.</param>
/// <param name="Attempt">The number of the attempt; during a wait, of the next one.</param>
/// <param name="Sent">The number of bytes that the attempt has sent.</param>
/// <param name="Length">The length in bytes.</param>
/// <param name="Wait">The wait before the attempt; null while it runs.</param>
internal readonly record struct RunningArtifact(
    string Name,
    int Attempt,
    long Sent,
    long Length,
    ExportRetryWait? Wait = null
);

/// <summary>How far a push has come at one moment.</summary>
internal sealed record PushState
{
    /// <summary>The shard whose artifacts these are; null for all artifacts.</summary>
    internal Core.Shard? Shard { get; init; }

    internal required int Artifacts { get; init; }
    internal required long Bytes { get; init; }
    internal required int Exported { get; init; }
    internal required long BytesExported { get; init; }

    /// <summary>How many of those that were exported have no receipt where it belongs.</summary>
    internal int Unwritten { get; init; }
    internal required int Skipped { get; init; }
    internal required int Failed { get; init; }

    /// <summary>How many are kept in a spool.</summary>
    internal int Spooled { get; init; }

    /// <summary>Bytes that need not be moved any more, or have been moved by what is under way.</summary>
    internal required long BytesBehind { get; init; }
    internal required TimeSpan Elapsed { get; init; }

    /// <summary>The time of the look.</summary>
    internal required DateTimeOffset Now { get; init; }

    /// <summary>Bytes a second of late; null until bytes have moved for some seconds.</summary>
    internal required double? Rate { get; init; }

    /// <summary>In the order of the names.</summary>
    internal required IReadOnlyList<RunningArtifact> Running { get; init; }

    internal int Ended => Exported + Skipped + Failed + Spooled;

    /// <summary>From 0 to 1.</summary>
    internal double Fraction =>
        Bytes > 0 ? Math.Clamp((double)BytesBehind / Bytes, 0, 1)
        : Artifacts > 0 ? Math.Clamp((double)Ended / Artifacts, 0, 1)
        : 1;

    internal TimeSpan? TimeLeft =>
        Rate is > 0 and { } rate && Math.Max(0, Bytes - BytesBehind) / rate is < 360_000_000 and var seconds
            ? TimeSpan.FromSeconds(seconds)
            : null;

    /// <summary>One line for the end.</summary>
    internal string Summary
    {
        get
        {
            var parts = new List<string> { $"{Exported} exported ({Amounts.Bytes(BytesExported)})" };
            if (Unwritten > 0)
                parts.Add($"of which {Unwritten} without a written receipt");
            if (Skipped > 0)
                parts.Add($"{Skipped} skipped");
            if (Spooled > 0)
                parts.Add($"{Spooled} spooled");
            if (Failed > 0)
                parts.Add($"{Failed} failed");
            if (Artifacts > Ended)
                parts.Add($"{Artifacts - Ended} not ended");
            var shard = Shard is null ? "" : $"shard {Shard}: ";
            return $"{shard}{string.Join(", ", parts)} of {Artifacts} in {Amounts.Time(Elapsed)}";
        }
    }
}

/// <summary>Counts what happens in a push. Any number of threads may report at once.</summary>
internal sealed class PushBoard(TimeProvider time, Core.Shard? shard = null)
{
    /// <summary>The number of last looks that the rate is taken from.</summary>
    private const int Looks = 50;

    /// <summary>The time for which bytes have to move before there is a rate: the first seconds say little.</summary>
    private static readonly TimeSpan LeastData = TimeSpan.FromSeconds(3);

    private readonly ConcurrentDictionary<string, RunningArtifact> _running = new(StringComparer.Ordinal);

    /// <summary>What was not exported: its file may still be read by a thread that was left behind.</summary>
    private readonly ConcurrentDictionary<string, bool> _left = new(StringComparer.Ordinal);
    private readonly Queue<(long At, long Bytes)> _looks = new();
    private readonly long _startedAt = time.GetTimestamp();
    private long? _dataSince;
    private bool _hasStarted;
    private int _artifacts;
    private int _exported;
    private int _unwritten;
    private int _skipped;
    private int _failed;
    private int _spooled;
    private long _bytes;
    private long _bytesExported;
    private long _bytesSettled;

    /// <summary>Whether there is anything to sum up: what is refused before that is reported by itself.</summary>
    internal bool HasStarted => Volatile.Read(ref _hasStarted);

    /// <summary>What is begun, besides what was begun before.</summary>
    internal void Started(int artifacts, long bytes)
    {
        Volatile.Write(ref _hasStarted, true);
        Interlocked.Add(ref _artifacts, artifacts);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>A report that comes after the end of an artifact that was not exported counts for nothing.</summary>
    internal void BytesMoved(string artifact, int attempt, long sent, long length) =>
        Run(new RunningArtifact(artifact, attempt, sent, length));

    /// <summary>The bytes of the attempt that failed are to be sent again.</summary>
    internal void Waits(string artifact, int attempt, long length, ExportRetryWait wait) =>
        Run(new RunningArtifact(artifact, attempt, 0, length, wait));

    private void Run(RunningArtifact artifact)
    {
        _running[artifact.Name] = artifact;
        if (_left.ContainsKey(artifact.Name))
            _running.TryRemove(artifact.Name, out _);
    }

    private RunningArtifact End(string artifact)
    {
        _running.TryRemove(artifact, out var last);
        return last;
    }

    internal void Exported(string artifact, long bytes)
    {
        End(artifact);
        Interlocked.Add(ref _bytesSettled, bytes);
        Interlocked.Add(ref _bytesExported, bytes);
        Interlocked.Increment(ref _exported);
    }

    internal void Unwritten() => Interlocked.Increment(ref _unwritten);

    internal void Skipped(string artifact, long bytes)
    {
        End(artifact);
        // Nothing was moved, so it must not count into the rate: there is less to do.
        Interlocked.Add(ref _bytes, -bytes);
        Interlocked.Increment(ref _skipped);
    }

    internal void Failed(string artifact) => NotExported(artifact, ref _failed);

    internal void Spooled(string artifact) => NotExported(artifact, ref _spooled);

    private void NotExported(string artifact, ref int count)
    {
        _left[artifact] = true;
        Interlocked.Add(ref _bytes, -End(artifact).Length);
        Interlocked.Increment(ref count);
    }

    /// <summary>The state of this moment. One thread at a time asks for it, every now and then.</summary>
    internal PushState Look()
    {
        var now = time.GetTimestamp();
        var running = _running.Values.OrderBy(artifact => artifact.Name, StringComparer.Ordinal).ToList();
        var behind = Amounts.Sum([
            Volatile.Read(ref _bytesSettled),
            .. running.Select(artifact => artifact.Sent),
        ]);
        if (behind > 0)
            _dataSince ??= now;
        _looks.Enqueue((now, behind));
        if (_looks.Count > Looks)
            _looks.Dequeue();
        var (then, bytesThen) = _looks.Peek();
        var seconds = time.GetElapsedTime(then, now).TotalSeconds;

        return new PushState
        {
            Shard = shard,
            Artifacts = Volatile.Read(ref _artifacts),
            Bytes = Volatile.Read(ref _bytes),
            Exported = Volatile.Read(ref _exported),
            BytesExported = Volatile.Read(ref _bytesExported),
            Unwritten = Volatile.Read(ref _unwritten),
            Skipped = Volatile.Read(ref _skipped),
            Failed = Volatile.Read(ref _failed),
            Spooled = Volatile.Read(ref _spooled),
            BytesBehind = behind,
            Elapsed = time.GetElapsedTime(_startedAt, now),
            Now = time.GetUtcNow(),
            // A retry moves the same bytes again, so there may seem to be fewer than before.
            Rate =
                _dataSince is { } since && seconds > 0 && time.GetElapsedTime(since, now) >= LeastData
                    ? Math.Max(0, behind - bytesThen) / seconds
                    : null,
            Running = running,
        };
    }
}
