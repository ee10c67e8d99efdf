namespace Broker;

/// <summary>Who asked for what. No line contains a URL, a token or the value of a header.</summary>
internal static partial class Log
{
    [LoggerMessage(
        1,
        LogLevel.Information,
        "{Caller} got a URL for {Bucket}/{Key}, {ContentLength} bytes, SHA-256 {Sha256}, until {ExpiresAt:O}"
    )]
    internal static partial void Granted(
        ILogger log,
        string caller,
        string bucket,
        string key,
        long contentLength,
        string? sha256,
        DateTime expiresAt
    );

    [LoggerMessage(2, LogLevel.Warning, "{Caller} was refused {What}: {Status} {Reason}")]
    internal static partial void Refused(ILogger log, string caller, string what, int status, string reason);
}
