using CellOS.Export.S3.Urls;
using Microsoft.Extensions.Logging;

namespace CellOS.Export.S3.Cli.Pushing;

/// <summary>
/// Passes on what a URL command writes to standard error, which the sinks have made fit to be read, and warnings of URLs that
/// are for other objects. All else that they log is shown in other ways.
/// </summary>
internal sealed class CommandLog : ILoggerFactory, ILogger
{
    private static readonly string[] Categories =
    [
        typeof(CommandPresignedUrlProvider).FullName!,
        typeof(UrlProvider).FullName!,
    ];

    /// <summary>Takes the lines; until it is set, they are left out.</summary>
    internal Action<string>? Note { get; set; }

    public ILogger CreateLogger(string categoryName) =>
        Categories.Contains(categoryName)
            ? this
            : Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;

    public void AddProvider(ILoggerProvider provider) { }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter
    ) => Note?.Invoke(formatter(state, exception));

    public void Dispose() { }
}
