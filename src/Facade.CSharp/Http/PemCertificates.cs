using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Reads the certificates of a PEM file (RFC 7468) as OpenSSL's users have them: with the labels <c>CERTIFICATE</c>,
/// <c>X509 CERTIFICATE</c> and <c>TRUSTED CERTIFICATE</c>, glued together without a line break, and with comments that
/// quote a PEM line. Everything else is a problem that names its line.
/// </summary>
internal static class PemCertificates
{
    private const string Begin = "-----BEGIN ";
    private const string End = "-----END ";
    private const string Dashes = "-----";

    /// <summary>Adds the certificates of a text to a collection.</summary>
    /// <param name="text">The text.</param>
    /// <param name="certificates">Takes the certificates.</param>
    /// <returns>What is wrong, as the end of a sentence; null if nothing is.</returns>
    internal static string? Read(string text, X509Certificate2Collection certificates)
    {
        var position = 0;
        while (FindBegin(text, position) is { } begin)
        {
            var line = text.AsSpan(0, begin).Count('\n') + 1;
            var labelEnd = text.IndexOf(Dashes, begin + Begin.Length, StringComparison.Ordinal);
            if (labelEnd < 0)
                return $"is cut off in line {line}";

            var label = text[(begin + Begin.Length)..labelEnd];
            if (Problem(label) is { } problem)
                return $"has {problem} in line {line}";

            var content = labelEnd + Dashes.Length;
            var end = text.IndexOf(Dashes, content, StringComparison.Ordinal);
            var ending = $"{End}{label}{Dashes}";
            if (end < 0 || string.CompareOrdinal(text, end, ending, 0, ending.Length) != 0)
                return $"is cut off: the {label} that begins in line {line} has no end";

            try
            {
                certificates.Add(Load(label, text[content..end]));
            }
            catch (Exception exception)
                when (exception is FormatException or CryptographicException or AsnContentException)
            {
                return $"is broken: the {label} that begins in line {line} cannot be read ({exception.Message.TrimEnd('.')})";
            }

            position = end + ending.Length;
        }

        return certificates.Count > 0 ? null
            : text.StartsWith('0') ? "holds no certificate in PEM; it may be DER (openssl x509 -inform der)"
            : "holds no certificate";
    }

    /// <summary>
    /// A block begins at the beginning of a line, or right behind the end of another. Elsewhere it is quoted in a comment.
    /// </summary>
    private static int? FindBegin(string text, int position)
    {
        for (
            var at = text.IndexOf(Begin, position, StringComparison.Ordinal);
            at >= 0;
            at = text.IndexOf(Begin, at + 1, StringComparison.Ordinal)
        )
        {
            if (at == position && position > 0)
                return at;

            var lineStart = at == 0 ? 0 : text.LastIndexOfAny(['\n', '\r'], at - 1) + 1;
            if (text.AsSpan(lineStart, at - lineStart).Trim(" \t\uFEFF").IsEmpty)
                return at;
        }

        return null;
    }

    /// <summary>What a block with the label is; null for a certificate.</summary>
    private static string? Problem(string label) =>
        label switch
        {
            "CERTIFICATE" or "X509 CERTIFICATE" or "TRUSTED CERTIFICATE" => null,
            _ when label.EndsWith("PRIVATE KEY", StringComparison.Ordinal) =>
                $"a private key{(IsUsual(label) ? $" ({label})" : "")}, which does not belong there,",
            _ => IsUsual(label)
                ? $"'{label}', not a certificate,"
                : "a block with an unknown label, not a certificate,",
        };

    /// <summary>True for words as in the labels of RFC 7468. Any other label may be a secret, and is not shown.</summary>
    private static bool IsUsual(string label) =>
        label.Length <= 40
        && label
            .Split(' ')
            .All(word =>
                word.Length is > 0 and <= 15
                && word.All(c => char.IsAsciiLetterUpper(c) || char.IsAsciiDigit(c))
                && word.Count(char.IsAsciiDigit) <= 4
            );

    /// <summary>OpenSSL puts its own trust settings behind a trusted certificate.</summary>
    private static X509Certificate2 Load(string label, string base64)
    {
        var bytes = Convert.FromBase64String(base64);
        if (label != "TRUSTED CERTIFICATE")
            return X509CertificateLoader.LoadCertificate(bytes);

        AsnDecoder.ReadEncodedValue(bytes, AsnEncodingRules.BER, out _, out _, out var length);
        return X509CertificateLoader.LoadCertificate(bytes.AsSpan(0, length));
    }
}
