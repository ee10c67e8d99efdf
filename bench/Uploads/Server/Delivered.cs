namespace CellOS.Export.S3.Bench.Server;

/// <summary>What has arrived whole since the server started.</summary>
/// <param name="Requests">PUTs that were measured.</param>
/// <param name="Bytes">Of the files in their bodies.</param>
/// <param name="WarmUpRequests">PUTs of a warm-up.</param>
internal sealed record Delivered(long Requests, long Bytes, long WarmUpRequests)
{
    /// <summary>Where the server tells it.</summary>
    internal static ReadOnlySpan<byte> Path => "/stats"u8;
}
