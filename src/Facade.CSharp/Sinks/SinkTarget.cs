using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>From the options of a sink to the core's target.</summary>
internal static class SinkTarget
{
    /// <summary>The target that the options describe.</summary>
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="others">What else was found wrong; nulls for what is right.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    internal static Target From(PresignedS3ExportSinkOptions options, params string?[] others) =>
        Check(options, others).Accept(nameof(options));

    /// <summary>The target that the options describe, or all that is wrong with them.</summary>
    /// <param name="options">What the caller wrote down.</param>
    /// <param name="others">What else was found wrong; nulls for what is right.</param>
    internal static Checked<Target> Check(
        PresignedS3ExportSinkOptions options,
        params IEnumerable<string?> others
    ) =>
        Checked<Target>.Of(
            TargetDraftModule.Check(ToDraft(options)),
            [Undefined(options.RetryMode), Undefined(options.Integrity), .. others]
        );

    /// <inheritdoc cref="Check(PresignedS3ExportSinkOptions, IEnumerable{string?})" />
    internal static Checked<Target> Check(
        HttpExportSinkOptions options,
        params IEnumerable<string?> others
    ) =>
        Checked<Target>.Of(
            HttpTarget.Check(ToDraft(options)),
            [Undefined(options.RetryMode), Undefined(options.Integrity), .. others]
        );

    private static HttpTargetDraft ToDraft(HttpExportSinkOptions options) =>
        new(
            options.TargetName,
            options.CellId,
            options.BaseUrl,
            options.BearerToken,
            options.AllowPlaintextToken,
            ToCore(options.RetryMode),
            options.MaxAttempts,
            options.RetryBackoff,
            options.MaxRetryBackoff,
            ToLimits(options.ConnectTimeout, options.RequestTimeout, options.StallTimeout, options.Deadline),
            ToCore(options.Integrity),
            CoreMapping.ToOption(options.ExpectContinueMinBytes),
            options.MaxArtifactBytes,
            options.Headers ?? CoreMapping.NoHeaders
        );

    private static Limits ToLimits(TimeSpan connect, TimeSpan request, TimeSpan? stall, TimeSpan? deadline) =>
        new(connect, request, CoreMapping.ToOption(stall), CoreMapping.ToOption(deadline));

    private static RetryMode ToCore(S3ExportRetryMode mode) =>
        mode switch
        {
            S3ExportRetryMode.Exponential => RetryMode.Exponential,
            _ => RetryMode.Fixed,
        };

    private static IntegrityMode ToCore(S3ExportIntegrity integrity) =>
        integrity switch
        {
            S3ExportIntegrity.Off => IntegrityMode.Off,
            S3ExportIntegrity.Require => IntegrityMode.Require,
            _ => IntegrityMode.Verify,
        };

    private static TargetDraft ToDraft(PresignedS3ExportSinkOptions options) =>
        new(
            options.TargetName,
            options.CellId,
            options.Bucket,
            options.KeyPrefix,
            options.Region,
            options.PresignedUrl,
            UrlSources(options),
            ToCore(options.RetryMode),
            options.MaxAttempts,
            options.RetryBackoff,
            options.MaxRetryBackoff,
            ToLimits(options.ConnectTimeout, options.RequestTimeout, options.StallTimeout, options.Deadline),
            ToCore(options.Integrity),
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
