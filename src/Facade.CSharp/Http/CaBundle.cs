using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using CellOS.Export.S3.Core;

namespace CellOS.Export.S3.Http;

/// <summary>
/// Whom to trust: the system, and besides it the authorities of a PEM bundle. The host's name is always checked.
/// </summary>
internal sealed class CaBundle
{
    private static readonly Oid ServerAuthentication = new("1.3.6.1.5.5.7.3.1");
    private readonly X509Certificate2Collection _authorities;

    private CaBundle(X509Certificate2Collection authorities) => _authorities = authorities;

    /// <summary>The system's authorities alone.</summary>
    internal static CaBundle None { get; } = new([]);

    /// <summary>Reads a bundle: one or more certificates in PEM.</summary>
    /// <exception cref="ArgumentException">It cannot be read, is broken, or holds no certificate.</exception>
    internal static CaBundle Load(string path)
    {
        // It may be anything that was given in the wrong place, a URL for one.
        var shown = Redaction.Text(path);
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPem(File.ReadAllText(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ArgumentException(
                $"The CA bundle {shown} cannot be read ({Redaction.Text(exception.Message)}). Give a readable file with certificates in PEM.",
                nameof(path)
            );
        }
        catch (CryptographicException exception)
        {
            throw new ArgumentException(
                $"The CA bundle {shown} is broken: one of its certificates cannot be read ({exception.Message}). Give a file with certificates in PEM.",
                nameof(path)
            );
        }

        if (authorities.Count == 0)
            throw new ArgumentException(
                $"The CA bundle {shown} holds no certificate. Give a file in PEM with at least one '-----BEGIN CERTIFICATE-----' block.",
                nameof(path)
            );

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
        if (errors == SslPolicyErrors.None)
            return true;

        var host = sender is SslStream stream ? stream.TargetHostName : "the server";
        if (certificate is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            throw new CertificateRejectedException($"{host} gave no certificate", namesAnotherHost: false);

        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch))
            throw new CertificateRejectedException(
                $"the certificate ({certificate.Subject}) does not name the host {host}",
                namesAnotherHost: true
            );

        return IsTrustedByBundle(certificate, chain)
            ? true
            : throw new CertificateRejectedException(
                $"the certificate ({certificate.Subject}, issued by {certificate.Issuer}) is not trusted: {Status(chain)}",
                namesAnotherHost: false
            );
    }

    private bool IsTrustedByBundle(X509Certificate certificate, X509Chain? presented)
    {
        if (_authorities.Count == 0)
            return false;

        using var chain = new X509Chain();
        var policy = chain.ChainPolicy;
        policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ApplicationPolicy.Add(ServerAuthentication);
        // As HttpClient by default: a private authority rarely runs a revocation service.
        policy.RevocationMode = X509RevocationMode.NoCheck;
        if (presented is not null)
            foreach (var element in presented.ChainElements)
                policy.ExtraStore.Add(element.Certificate);

        using var copy = new X509Certificate2(certificate);
        return chain.Build(copy);
    }

    private static string Status(X509Chain? chain)
    {
        var reasons = (chain?.ChainStatus ?? []).Select(status => status.Status.ToString()).Distinct();
        return string.Join(", ", reasons) is { Length: > 0 } text ? text : "unknown reason";
    }
}
