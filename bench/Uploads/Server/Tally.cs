namespace CellOS.Export.S3.Bench.Server;

/// <summary>Counts what has arrived, from any number of threads.</summary>
internal sealed class Tally
{
    private long _requests;
    private long _bytes;
    private long _warmUps;

    /// <param name="isMeasured">Whether it was part of a measurement, not of a warm-up.</param>
    /// <param name="payloadLength">How many bytes of a file came with it.</param>
    internal void Add(bool isMeasured, long payloadLength)
    {
        if (!isMeasured)
        {
            Interlocked.Increment(ref _warmUps);
            return;
        }

        Interlocked.Add(ref _bytes, payloadLength);
        Interlocked.Increment(ref _requests);
    }

    internal Delivered Look() =>
        new(Interlocked.Read(ref _requests), Interlocked.Read(ref _bytes), Interlocked.Read(ref _warmUps));
}
