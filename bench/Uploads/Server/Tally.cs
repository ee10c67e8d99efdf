namespace CellOS.Export.S3.Bench.Server;

/// <summary>Counts what has arrived, from any number of threads.</summary>
internal sealed class Tally
{
    private long _requests;
    private long _bytes;
    private long _warmUps;

    internal void Add(RequestHead head)
    {
        if (!head.IsMeasured)
        {
            Interlocked.Increment(ref _warmUps);
            return;
        }

        Interlocked.Add(ref _bytes, head.PayloadLength);
        Interlocked.Increment(ref _requests);
    }

    internal Delivered Look() =>
        new(Interlocked.Read(ref _requests), Interlocked.Read(ref _bytes), Interlocked.Read(ref _warmUps));
}
