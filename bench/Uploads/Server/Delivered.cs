namespace CellOS.Export.S3.Bench.Server;

/// <summary>What has arrived whole since the server started.</summary>
/// <param name="Requests">PUTs that were measured.</param>
/// <param name="Bytes">Of their bodies; of one in signed chunks, the bytes that it says are in them.</param>
/// <param name="WarmUpRequests">PUTs of a warm-up.</param>
internal sealed record Delivered(long Requests, long Bytes, long WarmUpRequests)
{
    /// <summary>Where the server tells it.</summary>
    internal const string Path = "/stats";
}
