using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>From the options of a sink to the core's target.</summary>
internal static class SinkTarget
{
    /// <summary>The target that the options describe.</summary>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static Target From(PresignedS3ExportSinkOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var result = TargetDraftModule.Check(ToDraft(options));
        return result.IsOk
            ? result.ResultValue
            : throw new ArgumentException(
                string.Join(" ", result.ErrorValue.Select(refusal => refusal.Message)),
                nameof(options)
            );
    }

    private static TargetDraft ToDraft(PresignedS3ExportSinkOptions options) =>
        new(
            options.TargetName,
            options.CellId,
            options.Bucket,
            options.KeyPrefix,
            options.Region,
            options.PresignedUrl,
            options.RetryMode == S3ExportRetryMode.Exponential ? RetryMode.Exponential : RetryMode.Fixed,
            options.MaxAttempts,
            options.RetryBackoff,
            options.MaxRetryBackoff,
            new Limits(
                options.ConnectTimeout,
                options.RequestTimeout,
                null,
                CoreMapping.ToOption(options.Deadline)
            ),
            options.Integrity switch
            {
                S3ExportIntegrity.Off => IntegrityMode.Off,
                S3ExportIntegrity.Require => IntegrityMode.Require,
                _ => IntegrityMode.Verify,
            },
            options.WriteOnce,
            CoreMapping.ToOption(options.ExpectContinueMinBytes),
            options.MaxObjectBytes
        );
}
