using System.ComponentModel;
using System.Diagnostics;
using System.Threading.Channels;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Http;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Urls;

/// <summary>A command ended, or broke the protocol: what it did, as the end of a sentence about it.</summary>
internal sealed class CommandEndedException(string what) : Exception(what)
{
    /// <summary>True if it wrote a line that no request asked for: an earlier line may have been one, too.</summary>
    internal bool IsStray { get; init; }
}

/// <summary>A command that runs: one request at a time.</summary>
internal sealed class CommandSession : IDisposable
{
    /// <summary>The time in which a command should exit after the end of its input.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(2);

    /// <summary>The time that the last words of a command which has ended may take.</summary>
    private static readonly TimeSpan LastWordsTime = TimeSpan.FromMilliseconds(500);

    private readonly Process _process;
    private readonly Task _output;
    private readonly CommandErrors _errors;

    /// <summary>
    /// Lines of standard output, as many as came at once; null for one that is too long. Nothing more is read while two
    /// wait.
    /// </summary>
    private readonly Channel<List<byte[]?>> _lines = Channel.CreateBounded<List<byte[]?>>(2);

    private CommandSession(Process process, UrlCommand command, ILogger logger)
    {
        _process = process;
        _output = Task.Run(ReadOutputAsync);
        _errors = new CommandErrors(process.StandardError, command, logger);
    }

    /// <summary>
    /// The artifacts that got a URL from a response that does not name its artifact, and whose URL does not show it.
    /// </summary>
    internal List<UrlRequest> Doubtful { get; } = [];

    /// <summary>True if the command has written a line that no request asked for.</summary>
    internal bool HasStray => _lines.Reader.Count > 0;

    /// <summary>True if the command runs, and has written nothing that no request asked for.</summary>
    internal bool IsInOrder => !HasStray && !_lines.Reader.Completion.IsCompleted;

    /// <exception cref="PresignedUrlException">It cannot be started.</exception>
    internal static CommandSession Start(UrlCommand command, ILogger logger)
    {
        var start = new ProcessStartInfo(command.Program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in command.Arguments)
            start.ArgumentList.Add(argument);
        var process = new Process { StartInfo = start };
        try
        {
            process.Start();
        }
        catch (Exception exception)
            when (exception is Win32Exception or InvalidOperationException or IOException)
        {
            process.Dispose();
            throw new PresignedUrlException(
                LocalFault.Describe(exception) is { } fault
                    ? $"The URL command {command} could not be started: {fault}."
                    : $"The URL command {command} could not be started ({Reason(exception)}). {UrlCommandModule.StartAdvice(command)}"
            );
        }

        return new CommandSession(process, command, logger);
    }

    /// <summary>Passes a request on, and waits for its response: a line without its end.</summary>
    /// <exception cref="CommandEndedException">The command ended, or wrote more than one line.</exception>
    /// <exception cref="OperationCanceledException">It took too long.</exception>
    internal async Task<ReadOnlyMemory<byte>> AskAsync(
        byte[] request,
        SourceSecrets secrets,
        CancellationToken cancellationToken
    )
    {
        _errors.Asked(secrets);
        try
        {
            var input = _process.StandardInput.BaseStream;
            // A pipe that is full may pay no heed to the token.
            await WriteAsync(input, request).WaitAsync(cancellationToken).ConfigureAwait(false);
            var lines = await _lines.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
            if (lines[0] is not { } line)
                throw new CommandEndedException(
                    $"was ended: it wrote a line of more than {UrlResponseModule.MaxBytes} bytes"
                );
            return lines.Count == 1 && _lines.Reader.Count == 0
                ? line
                : throw new CommandEndedException(
                    "was ended: it wrote more than one line for one request. Let it write one line of JSON for each line that it reads"
                )
                {
                    IsStray = true,
                };
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            throw new CommandEndedException(
                $"{await EndInWordsAsync().ConfigureAwait(false)} before it gave a response"
            );
        }
    }

    /// <inheritdoc cref="CommandErrors.Answered" />
    internal void Answered(SourceSecrets secrets) => _errors.Answered(secrets);

    /// <summary>
    /// The last line of standard error since the request, as the end of a sentence; empty without one. What a command that
    /// has ended had to say may still be on its way.
    /// </summary>
    internal string LastWords() =>
        _errors.LastLine(LastWordsTime) is { Length: > 0 } line
            ? $"; the last line of its standard error: \"{line}\""
            : "";

    /// <summary>Ends the command and what it has started.</summary>
    internal void Kill()
    {
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or Win32Exception or AggregateException)
        {
            // It has exited, or is not this user's any more.
        }

        Release();
    }

    /// <summary>Disposes of the process once all that it has written was read.</summary>
    private void Release() =>
        _ = Task.WhenAll(_output, _errors.Ended).ContinueWith(_ => _process.Dispose(), TaskScheduler.Default);

    /// <summary>Closes standard input, ends the command if it stays, and reads all that it has written.</summary>
    /// <returns>True if that has a line that no request asked for.</returns>
    internal bool Finish()
    {
        Dispose();
        _output.Wait(LastWordsTime);
        return HasStray;
    }

    /// <summary>Closes standard input, and ends the command if it stays.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // It does not read any more.
        }

        if (_process.WaitForExit(Grace))
            Release();
        else
            Kill();
    }

    private static async Task WriteAsync(Stream input, byte[] request)
    {
        await input.WriteAsync(request).ConfigureAwait(false);
        await input.FlushAsync().ConfigureAwait(false);
    }

    private async Task<string> EndInWordsAsync()
    {
        using var limit = new CancellationTokenSource(LastWordsTime);
        try
        {
            await _process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
            return $"exited with code {_process.ExitCode}";
        }
        catch (Exception exception)
            when (exception is OperationCanceledException or InvalidOperationException)
        {
            return "closed its standard output, and was ended,";
        }
    }

    private async Task ReadOutputAsync()
    {
        var buffer = new byte[16 * 1024];
        var line = new MemoryStream();
        try
        {
            var output = _process.StandardOutput.BaseStream;
            while (await output.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var read)
            {
                var lines = new List<byte[]?>();
                var rest = buffer.AsMemory(0, read);
                while (rest.Span.IndexOf((byte)'\n') is >= 0 and var end)
                {
                    line.Write(rest.Span[..end]);
                    lines.Add(Take(line));
                    rest = rest[(end + 1)..];
                }

                line.Write(rest.Span);
                if (line.Length > UrlResponseModule.MaxBytes)
                    lines.Add(Take(line));
                if (lines.Count > 0)
                    await _lines.Writer.WriteAsync(lines).ConfigureAwait(false);
            }

            // The last line may lack its end.
            if (line.Length > 0)
                await _lines.Writer.WriteAsync([Take(line)]).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The end of the output.
        }

        _lines.Writer.TryComplete();
    }

    private static byte[]? Take(MemoryStream line)
    {
        var bytes = line.Length > UrlResponseModule.MaxBytes ? null : line.ToArray();
        line.SetLength(0);
        return bytes;
    }

    private static string Reason(Exception exception) =>
        exception is Win32Exception { NativeErrorCode: var code }
            ? new Win32Exception(code).Message
            : Redaction.Text(exception.Message);
}
