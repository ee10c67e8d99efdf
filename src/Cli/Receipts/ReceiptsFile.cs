using System.Security.Cryptography;
using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Files;
using CellOS.Export.S3.Source;

namespace CellOS.Export.S3.Cli.Receipts;

/// <summary>
/// The file of receipts. A receipt counts when its line is on disk; lines of appenders that come at the same time share
/// one write and one flush. After a failure the file is as it was before, as far as it can be, and takes no more: half
/// a line is never followed by another one.
/// </summary>
internal sealed class ReceiptsFile : IAsyncDisposable
{
    private static readonly FileRole Role = new(
        "receipts file",
        "standard output gets the receipts in any case",
        ": only the first --receipts is made"
    );

    private sealed record Waiting(string Line, TaskCompletionSource Done);

    private readonly ILockedFile _store;
    private readonly string _path;
    private readonly Lock _lock = new();
    private List<Waiting> _waiting = [];
    private Task _writer = Task.CompletedTask;
    private readonly IncrementalHash _content;
    private FileStamp _stamp;
    private long _length;
    private bool _hasWritten;
    private string? _failure;
    private bool _closed;

    private ReceiptsFile(ILockedFile store, string path, long length, Receipted receipted)
    {
        _store = store;
        _path = path;
        _length = length;
        _stamp = store.Stamp;
        _content = Content(store, length);
        Receipted = receipted;
    }

    /// <summary>What the receipts tell that were in the file when it was opened.</summary>
    internal Receipted Receipted { get; }

    /// <summary>Opens the file or makes it, reads it, and repairs its end.</summary>
    /// <param name="path">Where it is; its folder must be there.</param>
    /// <param name="acceptUnverified">Whether receipts that are <c>unverified</c> count.</param>
    /// <param name="note">Is told what was repaired, and which lines are no receipts.</param>
    /// <exception cref="RefusedException">It cannot be used.</exception>
    internal static ReceiptsFile Open(string path, bool acceptUnverified, Action<string> note) =>
        Open(path, [], acceptUnverified, note);

    /// <summary>The same, beside other files whose receipts count as well, and which are only read.</summary>
    internal static ReceiptsFile Open(
        string path,
        IReadOnlyList<string> others,
        bool acceptUnverified,
        Action<string> note
    )
    {
        var store = OpenFile(() => LockedFile.Open(path, Role));
        return Open(
            store,
            LockedFile.Quote(path),
            acceptUnverified,
            note,
            () => ReadOthers(store, others, note)
        );
    }

    /// <summary>The lines of files that are only read, file by file. They may be those of pushes that run.</summary>
    private static IEnumerable<IEnumerable<LogLine>> ReadOthers(
        LockedFile own,
        IReadOnlyList<string> paths,
        Action<string> note
    )
    {
        var identities = new HashSet<string> { own.Identity };
        foreach (var path in paths)
        {
            using var store = OpenFile(() => LockedFile.OpenToRead(path, Role));
            if (!identities.Add(store.Identity))
                throw new RefusedException($"{Role.At(path)} is given twice. Give each file once.");
            var reader = new ReceiptsReader(store, LockedFile.Quote(path));
            yield return reader.Lines();
            reader.Report(note);
        }
    }

    private static LockedFile OpenFile(Func<LockedFile> open)
    {
        try
        {
            return open();
        }
        catch (FileRefusedException refused)
        {
            throw new RefusedException(refused.Message);
        }
    }

    internal static ReceiptsFile Open(
        ILockedFile store,
        string path,
        bool acceptUnverified,
        Action<string> note,
        Func<IEnumerable<IEnumerable<LogLine>>>? readOthers = null
    )
    {
        try
        {
            var reader = new ReceiptsReader(store, path);
            var others = readOthers?.Invoke() ?? [];
            var receipted = Resume.OfFiles(acceptUnverified, others.Append(reader.Lines()));
            return new ReceiptsFile(store, path, reader.Mend(note), receipted);
        }
        catch (Exception exception)
        {
            store.Dispose();
            if (exception is IOException or UnauthorizedAccessException)
                throw new RefusedException(
                    $"The receipts file {path} cannot be read or repaired: {Shown.Line(exception.Message)}"
                );
            throw;
        }
    }

    /// <summary>Completes when the line is on disk.</summary>
    /// <param name="line">The JSON of a receipt, or of an upload that starts, without a line end.</param>
    /// <param name="cancellationToken">Ends the waiting; the line may be written all the same.</param>
    /// <exception cref="IOException">It is not on disk, and no later line will be.</exception>
    internal Task AppendAsync(string line, CancellationToken cancellationToken)
    {
        if (line.AsSpan().ContainsAny('\n', '\r'))
            throw new ArgumentException("A receipt is one line.", nameof(line));

        var waiting = new Waiting(
            line,
            new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
        );
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            _waiting.Add(waiting);
            if (_writer.IsCompleted)
                _writer = Task.Run(WriteAll, CancellationToken.None);
        }

        return waiting.Done.Task.WaitAsync(cancellationToken);
    }

    private void WriteAll()
    {
        while (true)
        {
            List<Waiting> batch;
            lock (_lock)
            {
                batch = _waiting;
                _waiting = [];
                if (batch.Count == 0)
                {
                    // Under the lock, so that the next caller starts another writer.
                    _writer = Task.CompletedTask;
                    return;
                }
            }

            if (_failure is null)
                Write(batch);
            foreach (var waiting in batch)
            {
                if (_failure is null)
                    waiting.Done.SetResult();
                else
                    waiting.Done.SetException(new IOException(_failure));
            }
        }
    }

    private void Write(List<Waiting> batch)
    {
        try
        {
            RequireOwnContent(evenIfUnstamped: false);
            var bytes = Encoding.UTF8.GetBytes(string.Concat(batch.Select(waiting => waiting.Line + "\n")));
            try
            {
                _store.Write(bytes, _length);
                _store.Flush();
            }
            catch (Exception)
            {
                CutBack();
                throw;
            }

            _content.AppendData(bytes);
            _length += bytes.Length;
            _stamp = _store.Stamp;
            _hasWritten = true;
            // Last, so that no receipt counts that went to a file which was gone by then.
            if (!_store.IsInPlace)
                throw new IOException("another program has removed or replaced it, with the receipts in it");
        }
        catch (Exception exception)
        {
            _failure =
                $"The receipts file {_path} could not be written: {Why(exception)}. "
                + "Later receipts are not written to it either.";
        }
    }

    /// <summary>
    /// Checks that no other program has written to the file, also over what it has. The stamp shows nearly every change, and
    /// also those of owner or mode, which are harmless; the content decides.
    /// </summary>
    /// <param name="evenIfUnstamped">True to compare the content also where the stamp is the same.</param>
    /// <exception cref="IOException">Another program has changed it.</exception>
    private void RequireOwnContent(bool evenIfUnstamped)
    {
        var now = _store.Stamp;
        if (now == _stamp && now.Length == _length && !evenIfUnstamped)
            return;

        using var content = now.Length == _length ? Content(_store, _length) : null;
        if (content is null || !content.GetCurrentHash().SequenceEqual(_content.GetCurrentHash()))
            throw new IOException("another program has changed it");
        _stamp = now;
    }

    /// <summary>The SHA-256 of the first bytes of a file, to be continued.</summary>
    private static IncrementalHash Content(ILockedFile store, long length)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var piece = new byte[64 * 1024];
        for (var offset = 0L; offset < length; )
        {
            var count = store.Read(piece.AsSpan(0, (int)Math.Min(piece.Length, length - offset)), offset);
            if (count == 0)
                break;
            hash.AppendData(piece, 0, count);
            offset += count;
        }

        return hash;
    }

    /// <summary>.NET tells of a file that may not grow any further (EFBIG) as of a wrong argument.</summary>
    private static string Why(Exception exception) =>
        exception is ArgumentOutOfRangeException
            ? "it may not grow any further"
            : exception.Message.TrimEnd('.');

    /// <summary>What cannot be cut now is cut when the file is opened next; nothing follows it until then.</summary>
    private void CutBack()
    {
        try
        {
            _store.Cut(_length);
            _store.Flush();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{exception.Message.TrimEnd('.')}, nor could the torn line be cut off");
        }
    }

    /// <summary>
    /// Waits for what is being written, and checks that the file has all lines that were written to it: what another program
    /// wrote over within one step of the file system's clock shows by no stamp.
    /// </summary>
    /// <exception cref="IOException">Lines that were on disk are not there any more.</exception>
    internal async Task CompleteAsync()
    {
        await WriterOf().ConfigureAwait(false);
        // A failure has been reported to those who waited for their lines.
        if (_failure is not null || !_hasWritten)
            return;

        try
        {
            RequireOwnContent(evenIfUnstamped: true);
            if (!_store.IsInPlace)
                throw new IOException("another program has removed or replaced it");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"The receipts file {_path} may not have all receipts of this push: {Why(exception)}. "
                    + "Take them from standard output, or run the same command with --resume to export again what has none."
            );
        }
    }

    private Task WriterOf()
    {
        lock (_lock)
        {
            return _writer;
        }
    }

    /// <summary>Waits for what is being written, and closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_closed)
                return;
            _closed = true;
        }

        await WriterOf().ConfigureAwait(false);
        _content.Dispose();
        _store.Dispose();
    }
}
