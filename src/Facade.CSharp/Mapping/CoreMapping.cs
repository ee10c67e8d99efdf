using System.Collections.ObjectModel;
using System.Net;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>Between the core's values and this assembly's. It decides nothing.</summary>
internal static class CoreMapping
{
    /// <summary>The exception for a cell that neither the caller nor the spec names.</summary>
    internal static ArgumentException UnknownCell(string parameter) =>
        new(
            "The cell is not known. Give its id, a spec with an id, or Export:CellId in the configuration.",
            parameter
        );

    /// <summary>How many artifacts of a batch are under way at once, unless the caller says otherwise.</summary>
    internal const int DefaultConcurrency = BatchDraftModule.DefaultConcurrency;

    /// <summary>What a caller who asks for no header asks for.</summary>
    internal static IReadOnlyDictionary<string, string> NoHeaders => ReadOnlyDictionary<string, string>.Empty;

    internal static FSharpOption<T>? ToOption<T>(T? value)
        where T : class => value is null ? null : FSharpOption<T>.Some(value);

    internal static FSharpOption<T>? ToOption<T>(T? value)
        where T : struct => value is { } some ? FSharpOption<T>.Some(some) : null;

    /// <exception cref="ArgumentException">It was refused; the message says why.</exception>
    internal static T Accept<T>(FSharpResult<T, Refusal> result, string parameter) =>
        result.IsOk ? result.ResultValue : throw new ArgumentException(result.ErrorValue.Message, parameter);

    /// <exception cref="ArgumentException">It was refused; the message says all that is wrong.</exception>
    internal static T Accept<T>(FSharpResult<T, FSharpList<Refusal>> result, string parameter) =>
        result.IsOk
            ? result.ResultValue
            : throw new ArgumentException(
                string.Join(" ", result.ErrorValue.Select(refusal => refusal.Message)),
                parameter
            );

    private static T? OrNull<T>(FSharpOption<T>? option)
        where T : class => option?.Value;

    internal static TargetKind ToCore(ExportTargetKind kind) =>
        kind switch
        {
            ExportTargetKind.Local => TargetKind.Local,
            ExportTargetKind.Http => TargetKind.Http,
            _ => TargetKind.S3,
        };

    private static ExportTargetKind ToKind(string name) =>
        name == TargetKind.Local.Name ? ExportTargetKind.Local
        : name == TargetKind.Http.Name ? ExportTargetKind.Http
        : ExportTargetKind.S3;

    /// <summary>The word of a receipt. C# lets any number be a kind: such a one is its own word.</summary>
    private static string ToName(ExportTargetKind kind) =>
        kind switch
        {
            ExportTargetKind.Local => TargetKind.Local.Name,
            ExportTargetKind.Http => TargetKind.Http.Name,
            ExportTargetKind.S3 => TargetKind.S3.Name,
            _ => kind.ToString(),
        };

    internal static ExportReceipt ToReceipt(Receipt receipt, string? warning = null) =>
        new()
        {
            TargetKind = ToKind(receipt.TargetKind),
            TargetName = OrNull(receipt.TargetName),
            Destination = receipt.Destination,
            BytesWritten = receipt.BytesWritten,
            CellId = receipt.CellId,
            ArtifactName = receipt.ArtifactName,
            Region = OrNull(receipt.Region),
            ObjectUrl = OrNull(receipt.ObjectUrl),
            Sha256 = receipt.Sha256,
            Md5 = OrNull(receipt.Md5),
            Checksums = receipt.Checksums,
            ETag = OrNull(receipt.ETag),
            VersionId = OrNull(receipt.VersionId),
            RequestId = OrNull(receipt.RequestId),
            HostId = OrNull(receipt.HostId),
            DestinationChecked = receipt.DestinationChecked,
            Warning = warning,
            Integrity = receipt.Integrity,
            Attempts = receipt.Attempts,
            StartedAt = receipt.StartedAt,
            CompletedAt = receipt.CompletedAt,
        };

    internal static Receipt ToCore(ExportReceipt receipt) =>
        new(
            ToName(receipt.TargetKind),
            ToOption(receipt.TargetName),
            receipt.Destination,
            receipt.BytesWritten,
            receipt.CellId,
            receipt.ArtifactName,
            ToOption(receipt.Region),
            ToOption(receipt.ObjectUrl),
            receipt.Sha256,
            ToOption(receipt.Md5),
            MapModule.OfSeq(receipt.Checksums.Select(pair => Tuple.Create(pair.Key, pair.Value))),
            ToOption(receipt.ETag),
            ToOption(receipt.VersionId),
            ToOption(receipt.RequestId),
            ToOption(receipt.HostId),
            receipt.DestinationChecked,
            receipt.Integrity,
            receipt.Attempts,
            receipt.StartedAt,
            receipt.CompletedAt
        );

    private static FailureReport ToCore(ExportException failure, string? artifactName) =>
        new(
            ToOption(failure.TargetKind is { } kind ? ToName(kind) : null),
            ToOption(failure.TargetName),
            ToOption(failure.CellId),
            ToOption(artifactName),
            ToOption(failure.Destination),
            failure.Kind.ToString(),
            failure.Message,
            failure.IsRedacted,
            ToOption((int?)failure.StatusCode),
            ToOption(failure.ErrorCode),
            ToOption(failure.RequestId),
            ToOption(failure.HostId),
            failure.MayBeStored,
            failure.Attempts,
            failure.IsSpooled
        );

    private static EventContext ToCore(ExportEventContext? context) =>
        Accept(
            EventContextModule.Create(
                ToOption(context?.SpecId),
                ToOption(context?.RunId),
                ToOption(context?.Provenance)
            ),
            nameof(context)
        );

    /// <summary>The failure of a result that has one, under the name of its artifact.</summary>
    internal static FailureReport ToFailureReport(ExportResult failed) =>
        ToCore(failed.Failure!, failed.Failure!.ArtifactName ?? failed.Artifact.Name);

    internal static string ToJson(ExportReceipt receipt) => ReceiptModule.ToJson(ToCore(receipt));

    internal static string ToJson(ExportException failure, string? artifactName) =>
        FailureReportModule.ToJson(ToCore(failure, artifactName));

    internal static string ToCloudEvent(ExportReceipt receipt, ExportEventContext? context) =>
        CloudEvent.OfReceiptIn(ToCore(context), ToCore(receipt));

    internal static string ToCloudEvent(
        ExportException failure,
        string? artifactName,
        DateTimeOffset failedAt,
        ExportEventContext? context
    ) => CloudEvent.OfFailureIn(ToCore(context), failedAt, ToCore(failure, artifactName));

    /// <exception cref="InvalidOperationException">No statement can be made of it; the message says why.</exception>
    /// <exception cref="ArgumentException">The context is not valid.</exception>
    internal static string ToInTotoStatement(ExportReceipt receipt, ExportEventContext? context)
    {
        var statement = InTotoStatement.OfReceiptIn(ToCore(context), ToCore(receipt));
        return statement.IsOk
            ? statement.ResultValue
            : throw new InvalidOperationException(statement.ErrorValue.Message);
    }

    internal static PresignedUrlResponse ToResponse(UrlGrant grant) =>
        new(RequestUrlModule.Reveal(grant.Url))
        {
            Headers = grant.Headers.IsEmpty ? NoHeaders : ToHeaders(grant.Headers),
            ExpiresAt = grant.ExpiresAt?.Value,
        };

    /// <summary>Headers as a source gave them. Of names that differ in case only, each stays: the core reports them.</summary>
    private static Dictionary<string, string> ToHeaders(IEnumerable<KeyValuePair<string, string>> headers)
    {
        var all = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var header in headers)
            all[header.Key] = header.Value;
        return all;
    }

    internal static ArtifactDraft ToDraft(ExportArtifact? artifact) =>
        new(
            artifact?.Name,
            artifact?.Path,
            artifact?.Metadata?.ContentType,
            artifact?.Metadata?.Headers ?? NoHeaders
        );

    internal static ExportException ToException(ExportFailure failure) =>
        new(ToKind(failure.Kind), failure.Message)
        {
            IsRedacted = true,
            Reason = failure.Reason,
            Destination = failure.Destination,
            TargetKind = ToKind(failure.TargetKind.Name),
            TargetName = OrNull(failure.TargetName),
            CellId = failure.CellId,
            ArtifactName = failure.ArtifactName,
            StatusCode = (HttpStatusCode?)failure.Status?.Value,
            ErrorCode = OrNull(failure.Code),
            RequestId = OrNull(failure.RequestId),
            HostId = OrNull(failure.HostId),
            Attempts = failure.Attempts,
            Elapsed = failure.Elapsed,
            MayBeStored = failure.MayBeStored,
        };

    /// <summary>C# lets any number be a kind: such a one is a bug of its sink.</summary>
    internal static FailureKind ToCore(ExportFailureKind kind) =>
        kind switch
        {
            ExportFailureKind.SourceNotFound => FailureKind.SourceNotFound,
            ExportFailureKind.SourceNotAFile => FailureKind.SourceNotAFile,
            ExportFailureKind.SourceAccessDenied => FailureKind.SourceAccessDenied,
            ExportFailureKind.SourceUnreadable => FailureKind.SourceUnreadable,
            ExportFailureKind.SourceChanged => FailureKind.SourceChanged,
            ExportFailureKind.SourceTooLarge => FailureKind.SourceTooLarge,
            ExportFailureKind.UrlUnusable => FailureKind.UrlUnusable,
            ExportFailureKind.UrlExpired => FailureKind.UrlExpired,
            ExportFailureKind.Refused => FailureKind.Refused,
            ExportFailureKind.Redirected => FailureKind.Redirected,
            ExportFailureKind.AlreadyExists => FailureKind.AlreadyExists,
            ExportFailureKind.Unavailable => FailureKind.Unavailable,
            ExportFailureKind.Unreachable => FailureKind.Unreachable,
            ExportFailureKind.TimedOut => FailureKind.TimedOut,
            ExportFailureKind.DeadlineExceeded => FailureKind.DeadlineExceeded,
            ExportFailureKind.CertificateRejected => FailureKind.CertificateRejected,
            ExportFailureKind.IntegrityMismatch => FailureKind.IntegrityMismatch,
            ExportFailureKind.Unverified => FailureKind.Unverified,
            ExportFailureKind.NotAStore => FailureKind.NotAStore,
            ExportFailureKind.Unconfirmed => FailureKind.Unconfirmed,
            ExportFailureKind.LocalFault => FailureKind.LocalFault,
            _ => FailureKind.Internal,
        };

    private static ExportFailureKind ToKind(FailureKind kind) =>
        kind.Tag switch
        {
            FailureKind.Tags.SourceNotFound => ExportFailureKind.SourceNotFound,
            FailureKind.Tags.SourceNotAFile => ExportFailureKind.SourceNotAFile,
            FailureKind.Tags.SourceAccessDenied => ExportFailureKind.SourceAccessDenied,
            FailureKind.Tags.SourceUnreadable => ExportFailureKind.SourceUnreadable,
            FailureKind.Tags.SourceChanged => ExportFailureKind.SourceChanged,
            FailureKind.Tags.SourceTooLarge => ExportFailureKind.SourceTooLarge,
            FailureKind.Tags.UrlUnusable => ExportFailureKind.UrlUnusable,
            FailureKind.Tags.UrlExpired => ExportFailureKind.UrlExpired,
            FailureKind.Tags.Refused => ExportFailureKind.Refused,
            FailureKind.Tags.Redirected => ExportFailureKind.Redirected,
            FailureKind.Tags.AlreadyExists => ExportFailureKind.AlreadyExists,
            FailureKind.Tags.Unavailable => ExportFailureKind.Unavailable,
            FailureKind.Tags.Unreachable => ExportFailureKind.Unreachable,
            FailureKind.Tags.TimedOut => ExportFailureKind.TimedOut,
            FailureKind.Tags.DeadlineExceeded => ExportFailureKind.DeadlineExceeded,
            FailureKind.Tags.CertificateRejected => ExportFailureKind.CertificateRejected,
            FailureKind.Tags.IntegrityMismatch => ExportFailureKind.IntegrityMismatch,
            FailureKind.Tags.Unverified => ExportFailureKind.Unverified,
            FailureKind.Tags.NotAStore => ExportFailureKind.NotAStore,
            FailureKind.Tags.Unconfirmed => ExportFailureKind.Unconfirmed,
            FailureKind.Tags.LocalFault => ExportFailureKind.LocalFault,
            _ => ExportFailureKind.Internal,
        };
}
