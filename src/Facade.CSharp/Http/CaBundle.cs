using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Whom to trust: the system, and besides it the authorities of a PEM bundle. The host's name is always checked.
/// </summary>
internal sealed class CaBundle
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private readonly X509Certificate2Collection? _authorities;

    private CaBundle(X509Certificate2Collection? authorities) => _authorities = authorities;

    /// <summary>The system's authorities alone. It loads no cryptography, which takes time.</summary>
    internal static CaBundle None { get; } = new(null);

    /// <summary>Reads a bundle: one or more certificates in PEM, and nothing else.</summary>
    /// <param name="path">The file; null or blank for none.</param>
    /// <param name="problem">What is wrong with it and what to do; null if it is good.</param>
    internal static CaBundle Load(string? path, out string? problem)
    {
        problem = null;
        if (string.IsNullOrWhiteSpace(path))
            return None;
        return Read(path, out problem);
    }

    private static CaBundle Read(string path, out string? problem)
    {
        problem = null;
        var authorities = new X509Certificate2Collection();
        try
        {
            // Comments between the certificates may be in any encoding; UTF-16 is read by its byte order mark.
            using var reader = new StreamReader(new FileStream(SmallFile.OpenRegular(path), FileAccess.Read));
            problem = PemCertificates.Read(reader.ReadToEnd(), authorities);
        }
        catch (Exception exception)
            // The last two: what is no path at all.
            when (exception
                    is IOException
                        or UnauthorizedAccessException
                        or ArgumentException
                        or NotSupportedException
                        or SourceException
            )
        {
            problem = FilePath.Problem(path) is not null
                ? "cannot be read: the value looks like a URL or the content of a file, not like its path"
                : $"cannot be read ({Redaction.Text(exception.Message).TrimEnd('.')})";
        }

        // The path may be anything that was given in the wrong place, a URL for one.
        if (problem is not null)
            problem =
                $"The CA bundle {FilePath.Show(path)} {problem}. Give a file with nothing but certificates in PEM ('-----BEGIN CERTIFICATE-----').";
        return new CaBundle(authorities);
    }

    /// <summary>
    /// What SslStream asks about a server's certificate.
    /// </summary>
    /// <exception cref="CertificateRejectedException">It is rejected, and why.</exception>
    internal bool Validate(
        object sender,
        X509Certificate? certificate,
        X509Chain? chain,
        SslPolicyErrors errors
    )
    {
        var host = sender is SslStream stream ? stream.TargetHostName : "the server";
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            throw new CertificateRejectedException($"{host} gave no certificate", namesAnotherHost: false);

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            throw new CertificateRejectedException(
                $"the certificate ({certificate.Subject}) does not name the host {host}",
                namesAnotherHost: true
            );

        using var copy = new X509Certificate2(certificate);
        if (!HasNameOf(copy, host))
            throw new CertificateRejectedException(
                $"the certificate ({certificate.Subject}) has no Subject Alternative Name for the host {host}; the name in its subject does not count",
                namesAnotherHost: true
            );

        if (errors == SslPolicyErrors.None)
            return true;

        return IsTrustedByBundle(copy, chain, out var reasons)
            ? true
            : throw new CertificateRejectedException(
                $"the certificate ({certificate.Subject}, issued by {certificate.Issuer}) is not trusted: {reasons}",
                namesAnotherHost: false
            );
    }

    /// <summary>
    /// True if one of its Subject Alternative Names is the host's. The platform would also take the name from the subject,
    /// where there are none; RFC 9525, 6.3, does not.
    /// </summary>
    private static bool HasNameOf(X509Certificate2 certificate, string host)
    {
        try
        {
            return certificate.MatchesHostname(host, allowWildcards: true, allowCommonName: false);
        }
        catch (ArgumentException)
        {
            // Not a host's name by the platform's rules, so no certificate can have it.
            return false;
        }
    }

    /// <summary>
    /// Whether it is, and what is wrong otherwise: only what is left with the bundle, or one would look for an authority
    /// that is in it.
    /// </summary>
    private bool IsTrustedByBundle(X509Certificate2 certificate, X509Chain? presented, out string reasons)
    {
        if (_authorities is not { Count: > 0 })
        {
            reasons = Status(presented);
            return false;
        }

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ApplicationPolicy.Add(new Oid(ServerAuthentication));
        // As HttpClient by default: a private authority rarely runs a revocation service.
        policy.RevocationMode = X509RevocationMode.NoCheck;
        if (presented is not null)
            foreach (var element in presented.ChainElements)
                policy.ExtraStore.Add(element.Certificate);

        var isTrusted = chain.Build(certificate);
        reasons = Status(chain);
        return isTrusted;
    }

    private static string Status(X509Chain? chain)
    {
        var reasons = (chain?.ChainStatus ?? []).Select(status => InWords(status.Status)).Distinct();
        return string.Join(", ", reasons) is { Length: > 0 } text ? text : "unknown reason";
    }

    /// <summary>The frequent ones; the platform's name is what a search finds.</summary>
    private static string InWords(X509ChainStatusFlags status) =>
        status switch
        {
            X509ChainStatusFlags.NotTimeValid => $"it has expired or is not valid yet ({status})",
            X509ChainStatusFlags.PartialChain or X509ChainStatusFlags.UntrustedRoot =>
                $"its authority is not known ({status})",
            _ => status.ToString(),
        };
}
