using System.Text;
using CellOS.Export.S3.Core;
using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace CellOS.Export.S3;

/// <summary>
/// URLs from a command that runs as long as the provider lives: it reads one JSON request per line on standard input and
/// writes one JSON response per line on standard output, in order. Its standard error is logged, redacted. A command that
/// exits, is silent for too long or writes anything else costs the artifact that was asked for; the next request starts it
/// again. Requests are passed to it one at a time. A command that writes more lines than it was asked for may have given an
/// artifact the URL of another one. If responses do not name their artifacts, and URLs do not show their objects, all later
/// requests fail, and the log names the artifacts that may have been sent to the wrong objects.
/// </summary>
public sealed class CommandPresignedUrlProvider : IPresignedUrlProvider, IDisposable, IAsyncDisposable
{
    private readonly UrlCommand _command;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly List<UrlRequest> _misled = [];
    private CommandSession? _session;
    private string? _stray;

    /// <summary>What the command may repeat: its arguments, and the URLs that it gave.</summary>
    private SourceSecrets _secrets;
    private volatile bool _disposed;

    /// <summary>A provider that starts the command at the first request.</summary>
    /// <param name="options">The command.</param>
    /// <param name="timeProvider">The clock; the system's if null.</param>
    /// <param name="logger">Takes the standard error of the command, redacted. None if null.</param>
    /// <exception cref="ArgumentException">One or more options are not valid; the message names all of them.</exception>
    public CommandPresignedUrlProvider(
        CommandPresignedUrlProviderOptions options,
        TimeProvider? timeProvider = null,
        ILogger<CommandPresignedUrlProvider>? logger = null
    )
        : this(Checked(options), options.RequestTimeout, timeProvider, logger) { }

    internal CommandPresignedUrlProvider(
        UrlCommand command,
        TimeSpan timeout,
        TimeProvider? timeProvider,
        ILogger? logger
    )
    {
        _command = command;
        _secrets = SourceSecretsModule.OfCommand(command);
        _timeout = timeout;
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger is null ? NullLogger.Instance : new GuardedLogger(logger);
    }

    /// <inheritdoc />
    /// <exception cref="ObjectDisposedException">The provider has been disposed of.</exception>
    public async ValueTask<PresignedUrlResponse> GetUrlAsync(
        PresignedUrlRequest request,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(request);
        var asked = request.ToCore();
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return await AskAsync(asked, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes the command's standard input, and ends it if it does not exit within two seconds.</summary>
    public void Dispose()
    {
        _disposed = true;
        Finish();
    }

    /// <summary>Ends the command, and reads all that it has written.</summary>
    /// <returns>The requests whose URLs may be those of other artifacts.</returns>
    internal IReadOnlyList<UrlRequest> Finish()
    {
        if (Interlocked.Exchange(ref _session, null) is { } session && session.Finish())
            Mislead(session, "wrote more lines than it was asked for");
        return _misled;
    }

    /// <inheritdoc cref="Dispose" />
    public ValueTask DisposeAsync() => new(Task.Run(Dispose));

    private async Task<PresignedUrlResponse> AskAsync(UrlRequest request, CancellationToken cancellationToken)
    {
        if (_session is { IsInOrder: false } stale)
        {
            if (stale.HasStray)
                Mislead(stale, "wrote more lines than it was asked for");
            End(stale);
        }

        if (_stray is not null)
            throw Failure(_secrets, _stray);
        var session = _session ??= CommandSession.Start(_command, _logger);
        var secrets = SourceSecretsModule.WithRequest(request, _secrets);
        using var limit = new CancellationTokenSource(_timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var line = Encoding.UTF8.GetBytes(UrlRequestModule.ToJson(request) + "\n");
            var body = await session.AskAsync(line, secrets, both.Token).ConfigureAwait(false);
            var owner = UrlResponseModule.Owner(request, body);
            if (owner is ResponseOwner.Other other)
                throw new CommandEndedException(
                    $"was ended: {SourceSecretsModule.Mask(secrets, other.Defect)}"
                )
                {
                    IsStray = true,
                };
            // A grant has no message that could show a secret; all secrets are gathered for a refusal alone.
            var response = UrlResponseModule.Parse([], body);
            if (response is not UrlResponse.Granted)
                response = UrlResponseModule.Parse(secrets.Values, body);
            switch (response)
            {
                case UrlResponse.Granted granted:
                    _secrets = SourceSecretsModule.WithGrant(granted.Grant, _secrets);
                    secrets = SourceSecretsModule.WithGrant(granted.Grant, secrets);
                    if (owner.IsUnnamed && !UrlResponseModule.ShowsObject(request, granted.Grant.Url))
                        session.Doubtful.Add(request);
                    return CoreMapping.ToResponse(granted.Grant);
                case UrlResponse.Refused refused:
                    throw Failure(secrets, $"refused to give a URL: \"{refused.Message}\"");
                case UrlResponse.Invalid invalid:
                    End(session);
                    throw Failure(
                        secrets,
                        $"was ended: {UrlResponseModule.DefectInWords(invalid.Defect)}{session.LastWords()}"
                    );
                default:
                    throw new InvalidOperationException("The core has another kind of response.");
            }
        }
        catch (OperationCanceledException)
        {
            // Its response would be taken for that to the next request.
            End(session);
            cancellationToken.ThrowIfCancellationRequested();
            throw Failure(
                secrets,
                $"gave no response within {_timeout.TotalMilliseconds:0} ms, and was ended{session.LastWords()}"
            );
        }
        catch (CommandEndedException ended)
        {
            End(session);
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (ended.IsStray)
                Mislead(session, ended.Message);
            throw Failure(secrets, ended.Message + session.LastWords());
        }
        finally
        {
            session.Answered(secrets);
        }
    }

    /// <summary>Takes note that responses may have been taken for those to other requests.</summary>
    private void Mislead(CommandSession session, string what)
    {
        if (session.Doubtful.Count == 0)
            return;
        var names = ShownNames.Names([.. session.Doubtful.Select(request => request.ArtifactName)]);
        _misled.AddRange(session.Doubtful);
        _stray =
            $"is not asked again, because it {what}. Artifacts may have been sent to the objects of others: {names}. Export them again with a command that writes one line for each request, with the artifactName of the request";
        Log.CommandMisled(_logger, _command.ToString(), _stray);
    }

    private PresignedUrlException Failure(SourceSecrets secrets, string what) =>
        new($"The URL command {_command} {SourceSecretsModule.Mask(secrets, what).TrimEnd('.')}.");

    private void End(CommandSession session)
    {
        Interlocked.CompareExchange(ref _session, null, session);
        session.Kill();
    }

    private static UrlCommand Checked(CommandPresignedUrlProviderOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(options.Command, nameof(options));
        var command = UrlCommandModule.Create(options.Command);
        var timeout = LimitsModule.CheckRequestTimeout(options.RequestTimeout);
        string[] problems =
        [
            .. command.IsError ? [command.ErrorValue.Message] : Array.Empty<string>(),
            .. timeout.IsError ? [timeout.ErrorValue.Message] : Array.Empty<string>(),
        ];
        return problems.Length == 0
            ? command.ResultValue
            : throw new ArgumentException(string.Join(" ", problems), nameof(options));
    }
}
