using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>The public keys whose signatures count.</summary>
internal sealed class PublicKeys : IDisposable
{
    private const int MaxBytes = 1024 * 1024;
    private const string P256 = "1.2.840.10045.3.1.7";
    private const string PublicKey = "PUBLIC KEY";

    private readonly Dictionary<string, ECDsa> _keys = new(StringComparer.Ordinal);

    private PublicKeys() { }

    /// <summary>Opens PEM files with one key or more each.</summary>
    /// <exception cref="RefusedException">One of them cannot be used.</exception>
    internal static PublicKeys Open(IReadOnlyList<string> paths)
    {
        var keys = new PublicKeys();
        try
        {
            foreach (var path in paths)
                keys.Add(path);
            return keys;
        }
        catch (Exception)
        {
            keys.Dispose();
            throw;
        }
    }

    /// <summary>The ids of the keys.</summary>
    internal IReadOnlyList<string> Ids => [.. _keys.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The check of signatures.</summary>
    internal SealKeys Keys =>
        new(
            FSharpOption<FSharpSet<string>>.Some(SetModule.OfSeq(_keys.Keys)),
            (id, bytes, signature) =>
                _keys.TryGetValue(id, out var key)
                && key.VerifyData(
                    bytes.Span,
                    signature.Span,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.Rfc3279DerSequence
                )
        );

    public void Dispose()
    {
        foreach (var key in _keys.Values)
            key.Dispose();
    }

    private void Add(string path)
    {
        var where = $"The key '{FilePath.Show(path)}'";
        var text =
            SmallFile.TryRead(path, MaxBytes, out var problem)
            ?? throw new RefusedException($"{where}: {problem}");
        var rest = text.AsSpan();
        var found = false;
        while (PemEncoding.TryFind(rest, out var fields))
        {
            Require(rest[fields.Label].ToString(), where);
            Import(Convert.FromBase64String(rest[fields.Base64Data].ToString()), where);
            rest = rest[fields.Location.End.Value..];
            found = true;
        }

        if (!found)
            throw new RefusedException(
                $"{where} is not a PEM file with a public key. Convert a DER file by 'openssl pkey -pubin -inform der', or give another file."
            );
    }

    private static void Require(string label, string where)
    {
        if (label == PublicKey)
            return;
        throw new RefusedException(
            label switch
            {
                "CERTIFICATE" =>
                    $"{where} is a certificate. Take its public key by 'openssl x509 -in CERT.pem -noout -pubkey'.",
                _ when label.EndsWith("PRIVATE KEY", StringComparison.Ordinal) =>
                    $"{where} is a private key, with which seals can be forged: it belongs to the exporter alone. Make its public half by 'openssl pkey -in KEY.pem -pubout', and give that.",
                _ =>
                    $"{where} has no public key, but '{Shown.Short(60, label)}'. Give a PEM file with PUBLIC KEY.",
            }
        );
    }

    private void Import(byte[] octets, string where)
    {
        var key = ECDsa.Create();
        try
        {
            key.ImportSubjectPublicKeyInfo(octets, out _);
            if (key.ExportParameters(false).Curve.Oid.Value != P256)
                throw new RefusedException(
                    $"{where} is of another curve than P-256, which seals are made with. Give another key."
                );
            var id = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
            if (!_keys.TryAdd(id, key))
                key.Dispose();
        }
        catch (CryptographicException)
        {
            key.Dispose();
            throw new RefusedException(
                $"{where} is not an ECDSA key over P-256, or is damaged. Give another file."
            );
        }
        catch (RefusedException)
        {
            key.Dispose();
            throw;
        }
    }
}
