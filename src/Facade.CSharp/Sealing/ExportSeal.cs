using System.Reflection;
using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Sealing;

namespace CellOS.Export.S3;

/// <summary>
/// Seals runs: for each, it appends one signed line to a file, which an auditor can check years later. A line is a DSSE
/// envelope with an in-toto statement of the run, signed with ECDSA over P-256 and SHA-256. Each line contains the SHA-256 of the
/// line before it, so that no line can be changed, removed or inserted unnoticed; that none is missing at the end only its
/// <see cref="ExportSealHead"/> shows, kept elsewhere. Threads may share it, and processes the file: one at a time writes.
/// </summary>
public sealed class ExportSeal : IDisposable
{
    /// <summary>The time that another process is waited for that has the file open.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private static readonly string Version =
        typeof(ExportSeal)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()
            ?.InformationalVersion
        ?? "unknown";

    private readonly SealKey _key;
    private readonly string _path;
    private readonly Action<string> _note;
    private readonly Func<ILockedFile> _open;
    private readonly Lock _gate = new();
    private KnownSeals _known = KnownSeals.None;

    private ExportSeal(SealKey key, string path, Action<string> note, Func<ILockedFile> open)
    {
        _key = key;
        _path = path;
        _note = note;
        _open = open;
    }

    /// <summary>
    /// Opens a key and a file of seals, and checks both. The file is made if it is not there. If its last line is torn, which a
    /// process leaves that ends while it writes, that line is cut off. A file that is damaged in any other way is rejected and
    /// left as it is.
    /// </summary>
    /// <param name="keyPath">The private key: ECDSA over P-256, as PKCS#8 in PEM, encrypted or not.</param>
    /// <param name="sealsPath">The file of seals; its folder must be there.</param>
    /// <param name="passwordPath">The file with the password of the key; null for a key that is not encrypted.</param>
    /// <param name="note">
    /// Takes a sentence for each thing that was repaired or is unusual, now and later; null if nothing takes them.
    /// </param>
    /// <exception cref="ExportSealException">The key or the file cannot be used.</exception>
    public static ExportSeal Open(
        string keyPath,
        string sealsPath,
        string? passwordPath = null,
        Action<string>? note = null
    )
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(keyPath);
        ArgumentException.ThrowIfNullOrWhiteSpace(sealsPath);
        return OpenWith(
            keyPath,
            sealsPath,
            passwordPath,
            note,
            () => LockedFile.Open(sealsPath, SealFile.Role, Patience)
        );
    }

    internal static ExportSeal OpenWith(
        string keyPath,
        string sealsPath,
        string? passwordPath,
        Action<string>? note,
        Func<ILockedFile> open
    )
    {
        note ??= _ => { };
        var seal = new ExportSeal(SealKey.Open(keyPath, passwordPath, note), sealsPath, note, open);
        try
        {
            seal.Use(_ => { });
            return seal;
        }
        catch (Exception)
        {
            seal.Dispose();
            throw;
        }
    }

    /// <summary>
    /// The id of the key: the SHA-256 of its SubjectPublicKeyInfo, 64 hexadecimal digits in lower case, as
    /// <c>openssl pkey -in KEY.pem -pubout -outform der | sha256sum</c> shows it.
    /// </summary>
    public string KeyId => _key.Id;

    /// <summary>Appends the seal of a run. It is on disk when the task completes.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Cancels what has not begun; a line that is being written is written.</param>
    /// <returns>The head of the file. Keep it where the host cannot change it.</returns>
    /// <exception cref="ArgumentException">The run contradicts itself, or has a name that is not valid.</exception>
    /// <exception cref="ExportSealException">
    /// The run is not sealed: the file is damaged, in use for too long, or cannot be written.
    /// </exception>
    public Task<ExportSealHead> AppendAsync(ExportSealRun run, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Task.Run(() => Append(run), cancellationToken);
    }

    /// <summary>Forgets the key.</summary>
    public void Dispose() => _key.Dispose();

    private ExportSealHead Append(ExportSealRun run)
    {
        CoreMapping.Accept(CellIdModule.Create(run.CellId), nameof(run));
        CoreMapping.Accept(TargetNameModule.Create(run.TargetName), nameof(run));
        lock (_gate)
        {
            Use(file =>
            {
                var statement = SealMapping.ToStatement(run, file.Known.Head, run.ToolVersion ?? Version);
                var payload = CoreMapping.Accept(SealStatementModule.ToPayload(statement), nameof(run));
                file.Append(Sealed(payload));
            });
            var head = _known.Head!;
            return new ExportSealHead(head.Count, head.Sha256);
        }
    }

    private byte[] Sealed(byte[] payload)
    {
        var bytes = Seal.PreAuthenticationEncoding(Seal.PayloadType, payload);
        var signature = _key.Sign(bytes);
        // What no auditor could check must never be written.
        return _key.IsSigned(bytes, signature)
            ? Seal.Line(new SealEnvelope(payload, _key.Id, signature))
            : throw new CryptographicException("The platform made a signature that does not verify.");
    }

    /// <summary>Opens the file, checks it against what it had before, and closes it again.</summary>
    /// <exception cref="ExportSealException">It cannot be used.</exception>
    private void Use(Action<SealFile> action)
    {
        try
        {
            using var locked = _open();
            var file = new SealFile(locked, _path, _key.Keys, _known, _note);
            _known = file.Known;
            action(file);
            _known = file.Known;
        }
        catch (FileRefusedException refused)
        {
            throw new ExportSealException(refused.Message);
        }
        // .NET reports a file that may not grow any further (EFBIG) as a wrong argument.
        catch (ArgumentOutOfRangeException)
        {
            throw Failed("it may not grow any further");
        }
        catch (Exception exception)
            when (exception is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw Failed(Shown.Line(exception.Message).TrimEnd('.'));
        }
    }

    private ExportSealException Failed(string why) =>
        new(
            $"{SealFile.Role.At(_path)} cannot be read or written: {why}. Check the disk and the permissions of the file."
        );
}
