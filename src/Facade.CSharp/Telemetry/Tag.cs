namespace CellOS.Export.S3.Telemetry;

/// <summary>
/// The names of attributes: OpenTelemetry's, from its conventions for AWS SDK and S3 clients, RPC and HTTP, and this
/// library's own.
/// </summary>
internal static class Tag
{
    internal const string RpcSystem = "rpc.system.name";
    internal const string RpcMethod = "rpc.method";
    internal const string Bucket = "aws.s3.bucket";
    internal const string Key = "aws.s3.key";
    internal const string RequestId = "aws.request_id";
    internal const string HostId = "aws.extended_request_id";
    internal const string Region = "cloud.region";
    internal const string Method = "http.request.method";
    internal const string Resends = "http.request.resend_count";
    internal const string Status = "http.response.status_code";
    internal const string Server = "server.address";
    internal const string Port = "server.port";
    internal const string ErrorType = "error.type";

    internal const string CellId = "cellos.export.cell.id";
    internal const string Artifact = "cellos.export.artifact.name";
    internal const string Target = "cellos.export.target.name";
    internal const string Outcome = "cellos.export.outcome";
    internal const string Attempts = "cellos.export.attempts";
    internal const string Bytes = "cellos.export.bytes";
    internal const string Integrity = "cellos.export.integrity";

    /// <summary>The names of checksums follow.</summary>
    internal const string Checksum = "cellos.export.checksum.";
    internal const string MayBeStored = "cellos.export.may_be_stored";
    internal const string ErrorCode = "cellos.export.error.code";
    internal const string AttemptNumber = "cellos.export.attempt.number";
    internal const string AttemptBytes = "cellos.export.attempt.bytes";
}
