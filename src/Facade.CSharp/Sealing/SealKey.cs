using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3.Sealing;

/// <summary>The key that seals: ECDSA over P-256, from a PKCS#8 PEM file.</summary>
internal sealed class SealKey : IDisposable
{
    private const int MaxBytes = 64 * 1024;
    private const string P256 = "1.2.840.10045.3.1.7";
    private const string Plain = "PRIVATE KEY";
    private const string Encrypted = "ENCRYPTED PRIVATE KEY";

    private const string Make =
        "Make a key by 'openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem'.";

    private readonly ECDsa _key;

    private SealKey(ECDsa key)
    {
        _key = key;
        Id = Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
    }

    /// <summary>The SHA-256 of the SubjectPublicKeyInfo, in hexadecimal digits in lower case.</summary>
    internal string Id { get; }

    /// <summary>Opens a key.</summary>
    /// <param name="path">The PEM file.</param>
    /// <param name="passwordPath">The file with the password; null for none.</param>
    /// <param name="note">Takes a sentence for each thing that is unusual.</param>
    /// <exception cref="ExportSealException">It cannot be used.</exception>
    internal static SealKey Open(string path, string? passwordPath, Action<string> note)
    {
        var where = $"The seal key {Quote(path)}";
        var text =
            SmallFile.TryRead(path, MaxBytes, out var problem)
            ?? throw new ExportSealException($"{where}: {problem}");
        var (label, octets) = Pem(text, where);
        var key = ECDsa.Create();
        try
        {
            if (label == Encrypted)
                key.ImportEncryptedPkcs8PrivateKey(Password(passwordPath, where), octets, out _);
            else
                key.ImportPkcs8PrivateKey(octets, out _);
            if (key.ExportParameters(false).Curve.Oid.Value != P256)
                throw new ExportSealException($"{where} is of another curve than P-256. {Make}");
            var opened = new SealKey(key);
            Look(path, where, note);
            if (label == Encrypted)
                Look(passwordPath!, $"The seal password file {Quote(passwordPath!)}", note);
            else if (passwordPath is not null)
                note(
                    $"{where} is not encrypted, so that the password file is not used. Encrypt the key by 'openssl pkcs8 -topk8', or leave out the password file."
                );
            return opened;
        }
        catch (ExportSealException)
        {
            key.Dispose();
            throw;
        }
        catch (CryptographicException)
        {
            key.Dispose();
            // The message of the platform names neither the file nor what to do.
            throw new ExportSealException(
                label == Encrypted
                    ? $"{where} cannot be decrypted, or is not an ECDSA key over P-256. Check the password in {Quote(passwordPath!)}; encrypt the key by 'openssl pkcs8 -topk8'."
                    : $"{where} is not an ECDSA key over P-256, or is damaged. {Make}"
            );
        }
    }

    /// <summary>Signs bytes.</summary>
    /// <returns>The signature in its one form.</returns>
    internal byte[] Sign(byte[] bytes) =>
        SealSignature
            .OfFixed(
                _key.SignData(
                    bytes,
                    HashAlgorithmName.SHA256,
                    DSASignatureFormat.IeeeP1363FixedFieldConcatenation
                )
            )
            ?.Value
        ?? throw new CryptographicException("The platform made a signature that is not one of P-256.");

    /// <summary>True if a signature is that of this key.</summary>
    internal bool IsSigned(ReadOnlyMemory<byte> bytes, ReadOnlyMemory<byte> signature) =>
        _key.VerifyData(
            bytes.Span,
            signature.Span,
            HashAlgorithmName.SHA256,
            DSASignatureFormat.Rfc3279DerSequence
        );

    /// <summary>
    /// The check of lines before one is appended: this key's signatures are checked; of others, which may be keys of earlier
    /// years, the public keys are not known here.
    /// </summary>
    internal SealKeys Keys =>
        new(
            FSharpOption<Microsoft.FSharp.Collections.FSharpSet<string>>.None,
            (id, bytes, signature) => id != Id || IsSigned(bytes, signature)
        );

    public void Dispose() => _key.Dispose();

    private static (string Label, byte[] Octets) Pem(string text, string where)
    {
        if (!PemEncoding.TryFind(text, out var fields))
            throw new ExportSealException(
                $"{where} is not a PEM file with a private key. Convert a DER file by 'openssl pkcs8 -inform der -topk8', or give another file."
            );

        var label = text[fields.Label];
        if (label is not (Plain or Encrypted))
            throw new ExportSealException(
                label switch
                {
                    "EC PRIVATE KEY" or "EC PARAMETERS" or "RSA PRIVATE KEY" =>
                        $"{where} is not in PKCS#8. Convert it by 'openssl pkcs8 -topk8 -in KEY.pem -out PKCS8.pem'; it has to be an ECDSA key over P-256.",
                    "PUBLIC KEY" or "CERTIFICATE" =>
                        $"{where} has no private key, but a {label.ToLowerInvariant()}. Give the file of the private key.",
                    _ => $"{where} has no private key in PKCS#8. {Make}",
                }
            );
        if (PemEncoding.TryFind(text.AsSpan(fields.Location.End.Value), out _))
            throw new ExportSealException(
                $"{where} has more than one PEM block. Give a file with the private key alone."
            );
        return (label, Convert.FromBase64String(text[fields.Base64Data]));
    }

    /// <exception cref="ExportSealException">The password is missing, empty or has several lines.</exception>
    private static string Password(string? path, string where)
    {
        if (path is null)
            throw new ExportSealException(
                $"{where} is encrypted. Give the file with its password: --seal-password-file or {Variable.SealPasswordFile}."
            );

        var text =
            SmallFile.TryRead(path, MaxBytes, out var problem)
            ?? throw new ExportSealException($"The seal password file {Quote(path)}: {problem}");
        var password = text.TrimEnd('\r', '\n');
        if (password.Length == 0)
            throw new ExportSealException(
                $"The seal password file {Quote(path)} is empty. Write the password of the key into it."
            );
        if (password.AsSpan().ContainsAny('\r', '\n'))
            throw new ExportSealException(
                $"The seal password file {Quote(path)} has several lines. Write the password of the key into it, on one line."
            );
        return password;
    }

    private static void Look(string path, string where, Action<string> note)
    {
        if (SmallFile.IsReadableByOthers(path))
            note(
                $"{where} can be read by every user of this machine. Take the right from others (chmod o-r)."
            );
    }

    private static string Quote(string path) => $"'{FilePath.Show(path)}'";
}
