using System.Security.Cryptography;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;

namespace CellOS.Export.S3.Cli.Verifying;

/// <summary>
/// A file that is read more than once, with the same content each time. What a running push appends after the first time is
/// not read. It is not open in between: there may be thousands.
/// </summary>
internal sealed class ProofFile
{
    private const int PieceSize = 256 * 1024;

    private readonly string _path;
    private readonly FileRole _role;
    private readonly CancellationToken _cancellation;
    private long _length = long.MaxValue;
    private byte[]? _content;

    private ProofFile(string path, FileRole role, string identity, CancellationToken cancellation)
    {
        _path = path;
        _role = role;
        Identity = identity;
        _cancellation = cancellation;
    }

    /// <summary>Which file it is.</summary>
    private string Identity { get; }

    /// <summary>The path, for display.</summary>
    internal string Name => Shown.Short(200, _path);

    /// <summary>What it is, its name, and the SHA-256 of what was read.</summary>
    internal VerifiedFile Verified =>
        new(_role.Name, Name, _content is null ? "" : Convert.ToHexStringLower(_content));

    /// <summary>The beginning of a sentence about the file.</summary>
    internal string At => _role.At(_path);

    /// <summary>Looks at the files of an option, and opens each of them once.</summary>
    /// <exception cref="RefusedException">One cannot be read, or is given twice.</exception>
    internal static IReadOnlyList<ProofFile> All(
        IReadOnlyList<string> paths,
        FileRole role,
        CancellationToken cancellation
    )
    {
        var files = new List<ProofFile>();
        var identities = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in paths)
        {
            using var open = Open(path, role);
            if (!identities.Add(open.Identity))
                throw new RefusedException($"{role.At(path)} is given twice. Give each file once.");
            files.Add(new ProofFile(path, role, open.Identity, cancellation));
        }

        return files;
    }

    /// <summary>
    /// Reads the file from its beginning, piece by piece. A piece is valid until the next one. After the last piece it is certain that the content is
    /// that of the first time.
    /// </summary>
    /// <exception cref="RefusedException">It cannot be read, or is not the same any more.</exception>
    internal IEnumerable<ReadOnlyMemory<byte>> Pieces()
    {
        using var open = Open(_path, _role);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[PieceSize];
        var offset = 0L;
        while (
            Read(open, piece.AsSpan(0, (int)Math.Min(PieceSize, _length - offset)), offset)
                is var count
                    and not 0
        )
        {
            _cancellation.ThrowIfCancellationRequested();
            hash.AppendData(piece, 0, count);
            offset += count;
            yield return piece.AsMemory(0, count);
        }

        var content = hash.GetCurrentHash();
        if (_content is not null && !_content.AsSpan().SequenceEqual(content))
            throw Changed();
        _content = content;
        _length = offset;
    }

    private RefusedException Changed() =>
        new($"{At} changed while it was verified. Run the command again when nothing writes to it.");

    private int Read(LockedFile open, Span<byte> piece, long offset)
    {
        if (open.Identity != Identity)
            throw Changed();
        try
        {
            return open.Read(piece, offset);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RefusedException(
                $"{At} cannot be read: {Shown.Line(exception.Message).TrimEnd('.')}. Check the disk, or give a copy."
            );
        }
    }

    private static LockedFile Open(string path, FileRole role)
    {
        try
        {
            return LockedFile.OpenToRead(path, role);
        }
        catch (FileRefusedException refused)
        {
            throw new RefusedException(refused.Message);
        }
    }
}
