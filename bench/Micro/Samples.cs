using System.Text;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Bench;

/// <summary>What a push deals with, as S3 and its presigners write it: made up, and of the usual lengths.</summary>
internal static class Samples
{
    internal const string Name = "logs/2026-11-22/stdout.txt";

    /// <summary>Two hours before <see cref="Noon"/> signed, for 12 hours.</summary>
    private const string Head =
        "X-Amz-Algorithm=AWS4-HMAC-SHA256"
        + "&X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F20261122%2Fus-west-2%2Fs3%2Faws4_request"
        + "&X-Amz-Date=20261122T100000Z&X-Amz-Expires=43200&X-Amz-SignedHeaders=host";

    private const string Tail =
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";

    private const string Origin = "https://evidence-prod.s3.us-west-2.amazonaws.com/";

    internal static readonly DateTimeOffset Noon = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    /// <summary>A template of some 360 characters, or of 1,400 with a session token of the usual length.</summary>
    internal static string Template(bool sessionToken) =>
        Origin + "audit/2026/{cell_id}/{artifact_name}?" + Query(sessionToken);

    /// <summary>The URL that a source of URLs would give for the same object.</summary>
    internal static string Url(bool sessionToken) =>
        Origin + "audit/2026/cell-7f3a/" + Name + "?" + Query(sessionToken);

    /// <summary>The token is Base64, percent-encoded; one character of 20 is an escape.</summary>
    private static string Query(bool sessionToken) =>
        Head
        + (
            sessionToken
                ? "&X-Amz-Security-Token="
                    + string.Concat(Enumerable.Repeat("IQoJb3JpZ2luX2VjEJr%2F", 46))
                    + "aXVzLXdlc3QtMg%3D%3D"
                : ""
        )
        + Tail;

    internal static Target Target(string? template) =>
        new(
            FSharpOption<TargetName>.Some(TargetNameModule.Create("artifact-bucket").ResultValue),
            CellIdModule.Create("cell-7f3a").ResultValue,
            BucketModule.Create("evidence-prod").ResultValue,
            KeyPrefixModule.Create("audit/2026").ResultValue,
            FSharpOption<string>.Some("us-west-2"),
            template is null
                ? null
                : FSharpOption<UrlTemplate>.Some(UrlTemplateModule.Parse(template).ResultValue),
            RetryPolicyModule.Defaults,
            LimitsModule.Defaults,
            IntegrityMode.Verify,
            contentMd5: false,
            writeOnce: false,
            acceptUnmarked: false,
            keyCheck: true,
            bindDigest: false,
            FSharpOption<long>.Some(TargetModule.DefaultExpectContinueFrom),
            TargetModule.MaxPutBytes,
            FSharpList<RequestHeader>.Empty
        );

    internal static PushPlan Plan(Target target) =>
        PushPlanModule.Create(target, ArtifactNameModule.Create(Name).ResultValue).ResultValue;

    internal static RequestUrl Parsed(string url) => RequestUrlModule.Parse(url).ResultValue;

    private static readonly Sent Sent = new(
        65536,
        Digested(DigestAlgorithm.Sha256, "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
        ListModule.OfArray([Digested(DigestAlgorithm.Md5, "098f6bcd4621d373cade4e832627b4f6")])
    );

    private static Digest Digested(DigestAlgorithm algorithm, string hex) =>
        DigestModule.TryParseHex(algorithm, hex)!.Value;

    private const string HostId =
        "XotGXc5vZ0VqYn7dMBPmXUy3yVMs2LSVtqmDTOKjWnN/zVZ6C4B0NNrIlzHmjFyKfmGMmjhNNJE=";

    /// <summary>200, as S3 answers a PUT to a bucket with versions.</summary>
    internal static readonly Outcome Stored = Replied(
        200,
        "",
        new("ETag", "\"098f6bcd4621d373cade4e832627b4f6\""),
        new("x-amz-version-id", "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrH"),
        new("x-amz-server-side-encryption", "AES256"),
        new("x-amz-request-id", "0A49CE4060975EAC"),
        new("x-amz-id-2", HostId)
    );

    /// <summary>503 SlowDown, with S3's error document.</summary>
    internal static readonly Outcome Busy = Replied(
        503,
        $"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message><RequestId>5B9FC1D8A9F0C2E7</RequestId><HostId>{HostId}</HostId></Error>",
        new("Content-Type", "application/xml"),
        new("x-amz-request-id", "5B9FC1D8A9F0C2E7"),
        new("x-amz-id-2", HostId)
    );

    private static Outcome Replied(int status, string body, params KeyValuePair<string, string>[] headers) =>
        Outcome.NewReplied(
            ReplyModule.Read(
                status,
                headers,
                Encoding.UTF8.GetBytes(body),
                BodyEnd.Whole,
                FSharpOption<Sent>.Some(Sent)
            )
        );
}
