using CellOS.Export.S3.Core;

namespace CellOS.Export.S3;

/// <summary>From the options of a sink to the core's target.</summary>
internal static class SinkTarget
{
    /// <summary>The target that the options describe.</summary>
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="others">What else was found wrong; nulls for what is right.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static Target From(PresignedS3ExportSinkOptions options, params string?[] others)
    {
        var result = TargetDraftModule.Check(ToDraft(options));
        var problems = result.IsOk ? [] : result.ErrorValue.Select(refusal => refusal.Message);
        string?[] undefined = [Undefined(options.RetryMode), Undefined(options.Integrity)];
        var all = string.Join(" ", problems.Concat(undefined.Concat(others).OfType<string>()));
        return all.Length == 0 ? result.ResultValue : throw new ArgumentException(all, nameof(options));
    }

    private static TargetDraft ToDraft(PresignedS3ExportSinkOptions options) =>
        new(
            options.TargetName,
            options.CellId,
            options.Bucket,
            options.KeyPrefix,
            options.Region,
            options.PresignedUrl,
            UrlSources(options),
            options.RetryMode switch
            {
                S3ExportRetryMode.Exponential => RetryMode.Exponential,
                _ => RetryMode.Fixed,
            },
            options.MaxAttempts,
            options.RetryBackoff,
            options.MaxRetryBackoff,
            new Limits(
                options.ConnectTimeout,
                options.RequestTimeout,
                CoreMapping.ToOption(options.StallTimeout),
                CoreMapping.ToOption(options.Deadline)
            ),
            options.Integrity switch
            {
                S3ExportIntegrity.Off => IntegrityMode.Off,
                S3ExportIntegrity.Require => IntegrityMode.Require,
                _ => IntegrityMode.Verify,
            },
            options.ContentMd5,
            options.WriteOnce,
            options.AcceptUnmarked,
            options.KeyCheck,
            options.BindDigest,
            CoreMapping.ToOption(options.ExpectContinueMinBytes),
            options.MaxObjectBytes,
            options.Headers ?? CoreMapping.NoHeaders
        );

    private static int UrlSources(PresignedS3ExportSinkOptions options) =>
        (string.IsNullOrWhiteSpace(options.PresignedUrlsFile) ? 0 : 1)
        + (options.PresignedUrlProvider is null ? 0 : 1)
        + (options.UrlProvider is null ? 0 : 1)
        + (string.IsNullOrWhiteSpace(options.BrokerUrl) ? 0 : 1)
        + (options.UrlCommand is null ? 0 : 1);

    /// <summary>C# lets any number be a value of an enum.</summary>
    private static string? Undefined<T>(T value)
        where T : struct, Enum =>
        Enum.IsDefined(value)
            ? null
            : $"There is no {typeof(T).Name} {value}. Give one of {string.Join(", ", Enum.GetNames<T>())}.";
}
