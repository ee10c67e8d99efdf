using System.Text;
using CellOS.Export.S3.Core;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Urls;

/// <summary>The standard error of a command: read to its end, and logged without secrets.</summary>
internal sealed class CommandErrors
{
    /// <summary>The number of lines that are logged; the rest is read, and left out.</summary>
    private const int MostLines = 200;

    private const int LongestLine = 500;

    private readonly StreamReader _errors;
    private readonly ILogger _logger;
    private readonly string _name;

    /// <summary>Lines that are not logged yet. What they quote of a URL is known once the command has responded.</summary>
    private readonly List<string> _held = [];

    /// <summary>What the command's words may quote.</summary>
    private volatile SourceSecrets _secrets;
    private volatile bool _isAsked;
    private bool _hasAnswered;
    private int _logged;

    /// <summary>The last line since the request.</summary>
    private string _lastLine = "";

    /// <summary>True if a line came since the request: one that was held may be older.</summary>
    private bool _hasNews;

    internal CommandErrors(StreamReader errors, UrlCommand command, ILogger logger)
    {
        _errors = errors;
        _secrets = SourceSecretsModule.OfCommand(command);
        _logger = logger;
        _name = command.ToString();
        Ended = Task.Run(ReadAsync);
    }

    /// <summary>The end of standard error.</summary>
    internal Task Ended { get; }

    /// <summary>Holds lines back from now on. What the command has said of an earlier request does not concern this one.</summary>
    internal void Asked(SourceSecrets secrets)
    {
        lock (_held)
            // What it says when it starts concerns the first request.
            if (_hasAnswered)
                (_lastLine, _hasNews) = ("", false);
        _secrets = secrets;
        _isAsked = true;
    }

    /// <summary>Logs what the command wrote to standard error meanwhile, without the secrets of the request and of its response.</summary>
    internal void Answered(SourceSecrets secrets)
    {
        _secrets = secrets;
        _isAsked = false;
        _hasAnswered = true;
        LogHeld(isAtEnd: false);
    }

    /// <summary>Logs what is held, and returns the last line since the request; empty without one.</summary>
    internal string LastLine(TimeSpan patience)
    {
        Ended.Wait(patience);
        LogHeld(isAtEnd: true);
        lock (_held)
            return _lastLine;
    }

    /// <summary>Reads standard error to its end, whatever comes: a full pipe would block the command.</summary>
    private async Task ReadAsync()
    {
        var buffer = new char[4096];
        var line = new StringBuilder();
        try
        {
            while (await _errors.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var read)
            {
                foreach (var c in buffer.AsSpan(0, read))
                    if (c == '\n')
                        Hold(line);
                    else if (line.Length < LongestLine)
                        line.Append(c);
                    else if (line.Length == LongestLine)
                        line.Append('…');
                if (!_isAsked)
                    LogHeld(isAtEnd: false);
            }
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // The end of it.
        }

        Hold(line);
        LogHeld(isAtEnd: true);
    }

    private void Hold(StringBuilder line)
    {
        var text = line.ToString().Trim();
        line.Clear();
        if (text.Length == 0)
            return;

        lock (_held)
        {
            _hasNews = true;
            // The last line is for messages, too.
            if (_held.Count > MostLines)
                _held[^1] = text;
            else
                _held.Add(text);
        }
    }

    /// <summary>Logs the lines that are held. The last one stays if the next one may continue it, unless there is no next one.</summary>
    private void LogHeld(bool isAtEnd)
    {
        lock (_held)
        {
            var count =
                !isAtEnd && _held.Count > 0 && SourceSecretsModule.IsOpen(_held[^1])
                    ? _held.Count - 1
                    : _held.Count;
            if (count == 0)
                return;

            var lines = SourceSecretsModule.MaskLines(_secrets, _held.GetRange(0, count));
            _held.RemoveRange(0, count);
            foreach (var line in lines.Where(line => line.Length > 0))
            {
                if (_hasNews)
                    _lastLine = line;
                _logged++;
                if (_logged <= MostLines)
                    Log.CommandWrote(_logger, _name, line);
                if (_logged == MostLines)
                    Log.CommandWrote(_logger, _name, "further lines are not logged");
            }
        }
    }
}
