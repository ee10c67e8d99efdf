namespace CellOS.Export.S3;

/// <summary>
/// What a host listens to, with OpenTelemetry or with what .NET has itself. Without a listener, a push costs what it
/// would without. Nothing that is reported contains a secret; metrics hold no name of a cell, an artifact or an object either.
/// </summary>
/// <remarks>
/// <para>
/// <b>Span</b> <c>S3.PutObject</c> (client), one a push, whatever its number of attempts: from the call to the receipt,
/// the failure or the cancellation. What happens in between has it as its parent. Attributes by OpenTelemetry's
/// conventions: <c>rpc.system.name</c> (<c>aws-api</c>), <c>rpc.method</c> (<c>S3/PutObject</c>),
/// <c>http.request.method</c>, <c>aws.s3.bucket</c>, <c>aws.s3.key</c> (the logical address), <c>cloud.region</c>,
/// <c>server.address</c>, <c>server.port</c>; of the last attempt <c>http.response.status_code</c>,
/// <c>aws.request_id</c>, <c>aws.extended_request_id</c>; <c>http.request.resend_count</c> where there was more than one;
/// <c>error.type</c> of a failure, the name of its <see cref="ExportFailureKind"/>. This library's own:
/// <c>cellos.export.cell.id</c>, <c>cellos.export.artifact.name</c>, <c>cellos.export.target.name</c>,
/// <c>cellos.export.outcome</c> (<c>exported</c>, <c>failed</c> or <c>cancelled</c>), <c>cellos.export.attempts</c>; of a
/// receipt <c>cellos.export.bytes</c> <c>cellos.export.integrity</c>, and <c>cellos.export.checksum.NAME</c> (Base64); of a failure <c>cellos.export.may_be_stored</c>
/// and <c>cellos.export.error.code</c>, the S3 error code. A failure's status is <c>Error</c>, with the failure's
/// message. A cancellation is no error and has no error type, as the conventions for HTTP say of one that the caller meant.
/// There is no <c>url.full</c>: the URL is a credential.
/// </para>
/// <para>
/// <b>Event</b> <c>cellos.export.attempt</c> of that span, one as each attempt ends: <c>cellos.export.attempt.number</c>
/// (from 1), <c>cellos.export.attempt.bytes</c> (of the body, handed to the connection), and where known
/// <c>http.response.status_code</c>, <c>cellos.export.error.code</c>, <c>aws.request_id</c>,
/// <c>aws.extended_request_id</c>; <c>error.type</c> if the server did not accept the body: the status, or what kept
/// the attempt from getting one, such as <c>ConnectionReset</c>.
/// </para>
/// <para>
/// <b>Instruments</b>, each with <c>cellos.export.target.name</c> where the target has a name:
/// <list type="table">
/// <item><term><c>cellos.export.pushes</c></term><description>counter, <c>{push}</c>: pushes that have ended, by <c>cellos.export.outcome</c></description></item>
/// <item><term><c>cellos.export.attempts</c></term><description>counter, <c>{attempt}</c>: requests, by <c>http.response.status_code</c> and <c>error.type</c></description></item>
/// <item><term><c>cellos.export.sent</c></term><description>counter, <c>By</c>: bytes of bodies handed to a connection, in all attempts, by <c>error.type</c></description></item>
/// <item><term><c>cellos.export.failures</c></term><description>counter, <c>{failure}</c>: pushes that failed, by <c>error.type</c></description></item>
/// <item><term><c>cellos.export.duration</c></term><description>histogram, <c>s</c>: of whole pushes, by <c>cellos.export.outcome</c> and <c>error.type</c></description></item>
/// </list>
/// </para>
/// <para>
/// A push whose token is cancelled before it begins, and a call with a name or metadata that is not valid, is not a push, and
/// is not told. An exception that is no <see cref="ExportException"/> (the sink was disposed of) is a failure whose
/// <c>error.type</c> is its type. Times are of the sink's <see cref="TimeProvider"/>. No <c>traceparent</c> goes to the
/// server.
/// </para>
/// </remarks>
public static class S3ExportTelemetry
{
    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string ActivitySourceName = "CellOS.Export.S3";

    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "CellOS.Export.S3";
}
