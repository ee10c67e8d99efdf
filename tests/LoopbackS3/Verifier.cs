using System.Globalization;
using System.Text;

namespace LoopbackS3;

/// <summary>
/// Decides whether a presigned request is authentic: a function of the request, the options and the time.
/// The checks come in the order in which S3 makes them, so that a request with two faults gets S3's error.
/// </summary>
internal static class Verifier
{
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(15);
    private const int Week = 604800;
    private const string CredentialFault = "Error parsing the X-Amz-Credential parameter; ";

    private static readonly string[] Required =
    [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Signature",
        "X-Amz-Date",
        "X-Amz-SignedHeaders",
        "X-Amz-Expires",
    ];

    public static S3Error? Check(
        string method,
        RequestTarget target,
        IReadOnlyDictionary<string, string> headers,
        LoopbackS3Options options
    )
    {
        if (target.Query("X-Amz-Algorithm") is not { } algorithm)
        {
            return Required.Any(name => target.Query(name) is not null)
                ? Incomplete()
                : new S3Error(403, "AccessDenied", "Access Denied");
        }
        if (algorithm != SigV4.Algorithm)
            return Malformed("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"");
        if (Required.Any(name => target.Query(name) is null))
            return Incomplete();
        return CheckTime(target, options) ?? CheckScope(target, options) ?? CheckSignature();

        S3Error? CheckSignature()
        {
            var names = target.Query("X-Amz-SignedHeaders")!;
            var unsigned = headers
                .Keys.Select(name => name.ToLowerInvariant())
                .Where(name => name == "host" || name.StartsWith("x-amz-", StringComparison.Ordinal))
                .Except(names.Split(';'))
                .Order(StringComparer.Ordinal)
                .ToArray();
            if (unsigned.Length > 0)
            {
                return new S3Error(
                    403,
                    "AccessDenied",
                    "There were headers present in the request which were not signed"
                ).With("HeadersNotSigned", string.Join(", ", unsigned));
            }
            var credential = target.Query("X-Amz-Credential")!.Split('/', 2);
            if (credential[0] != options.AccessKey)
            {
                return new S3Error(
                    403,
                    "InvalidAccessKeyId",
                    "The AWS Access Key Id you provided does not exist in our records."
                ).With("AWSAccessKeyId", credential[0]);
            }
            var payload = headers.GetValueOrDefault("x-amz-content-sha256", SigV4.UnsignedPayload);
            var canonical = SigV4.CanonicalRequest(
                method,
                target.RawPath,
                target.RawQuery,
                headers,
                names,
                payload
            );
            var toSign = SigV4.StringToSign(target.Query("X-Amz-Date")!, credential[1], canonical);
            var given = target.Query("X-Amz-Signature")!;
            return SigV4.Signature(options.SecretKey, credential[1], toSign) == given
                ? null
                : new S3Error(
                    403,
                    "SignatureDoesNotMatch",
                    "The request signature we calculated does not match the signature you provided."
                        + " Check your key and signing method."
                )
                    .With("AWSAccessKeyId", credential[0])
                    .With("StringToSign", toSign)
                    .With("SignatureProvided", given)
                    .With("StringToSignBytes", Hex(toSign))
                    .With("CanonicalRequest", canonical)
                    .With("CanonicalRequestBytes", Hex(canonical));
        }
    }

    private static S3Error? CheckTime(RequestTarget target, LoopbackS3Options options)
    {
        if (TryDate(target.Query("X-Amz-Date")!) is not { } signedAt)
            return Malformed("X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"");
        var expires = target.Query("X-Amz-Expires")!;
        if (
            !long.TryParse(
                expires,
                NumberStyles.AllowLeadingSign,
                CultureInfo.InvariantCulture,
                out var seconds
            )
        )
            return Malformed("X-Amz-Expires should be a number");
        if (seconds < 0)
            return Malformed("X-Amz-Expires must be non-negative");
        if (seconds > Week)
        {
            return Malformed(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be"
                    + " less than 604800 seconds"
            );
        }
        var now = options.TimeProvider.GetUtcNow();
        var end = signedAt.AddSeconds(seconds);
        if (signedAt - now > Skew)
        {
            return new S3Error(403, "AccessDenied", "Request is not yet valid")
                .With("X-Amz-Date", signedAt.ToUnixTimeMilliseconds())
                .With("Expires", Iso(end))
                .With("ServerTime", Iso(now));
        }
        return now > end
            ? new S3Error(403, "AccessDenied", "Request has expired")
                .With("X-Amz-Expires", expires)
                .With("Expires", Iso(end))
                .With("ServerTime", Iso(now))
            : null;
    }

    private static S3Error? CheckScope(RequestTarget target, LoopbackS3Options options)
    {
        if (
            target.Query("X-Amz-Credential")!.Split('/')
            is not [_, var date, var region, var service, var end]
        )
        {
            return Malformed(
                $"{CredentialFault}the Credential is mal-formed; expecting"
                    + " \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."
            );
        }
        if (region != options.Region)
        {
            return Malformed($"{CredentialFault}the region '{region}' is wrong; expecting '{options.Region}'")
                .With("Region", options.Region);
        }
        if (service != "s3")
            return Malformed(
                $"{CredentialFault}incorrect service \"{service}\". This endpoint belongs to \"s3\"."
            );
        if (end != "aws4_request")
            return Malformed(
                $"{CredentialFault}incorrect terminal \"{end}\". This endpoint uses \"aws4_request\"."
            );
        var day = target.Query("X-Amz-Date")![..8];
        return date == day
            ? null
            : Malformed(
                $"Invalid credential date \"{date}\". This date is not the same as X-Amz-Date: \"{day}\"."
            );
    }

    private static S3Error Malformed(string message) =>
        new(400, "AuthorizationQueryParametersError", message);

    private static S3Error Incomplete() =>
        Malformed(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential,"
                + " X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        );

    private static DateTimeOffset? TryDate(string text) =>
        DateTimeOffset.TryParseExact(
            text,
            SigV4.DateFormat,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var date
        )
            ? date
            : null;

    private static string Iso(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Hex(string text) =>
        string.Join(' ', Encoding.UTF8.GetBytes(text).Select(b => b.ToString("x2", null)));
}
