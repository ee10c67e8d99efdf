using System.Diagnostics;

namespace Quickstart;

/// <summary>The output of one run of the exporter.</summary>
internal sealed record ExporterOutput(
    int ExitCode,
    IReadOnlyList<string> Lines,
    IReadOnlyList<string> ErrorLines
);

/// <summary>This program once more, as the exporter, with an environment made from nothing.</summary>
internal sealed class ExporterProcess : IDisposable
{
    internal const string Role = "--exporter";

    /// <summary>Settings of the library that are passed on. None is a secret.</summary>
    private static readonly string[] Settings =
    [
        "CELLOS_EXPORT_S3_TIMEOUT_MS",
        "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];

    private readonly Process _process;

    private ExporterProcess(Process process) => _process = process;

    internal int Id => _process.Id;

    /// <param name="job">What the exporter is given.</param>
    /// <param name="byProxy">True if it may use a proxy of the environment.</param>
    internal static ExporterProcess Start(Job job, bool byProxy)
    {
        var start = CleanProcess.Of(
            typeof(ExporterProcess).Assembly.Location,
            name =>
                Settings.Contains(name)
                || (byProxy && name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase))
        );
        start.ArgumentList.Add(Role);
        job.Write(start.Environment);
        return new ExporterProcess(Process.Start(start)!);
    }

    /// <summary>Waits for the end of the exporter.</summary>
    internal async Task<ExporterOutput> ReadAsync(CancellationToken stopping)
    {
        var output = ReadLinesAsync(_process.StandardOutput, stopping);
        var errors = ReadLinesAsync(_process.StandardError, stopping);
        await Task.WhenAll(output, errors);
        await _process.WaitForExitAsync(stopping);
        return new ExporterOutput(_process.ExitCode, await output, await errors);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private static async Task<List<string>> ReadLinesAsync(StreamReader reader, CancellationToken stopping)
    {
        var lines = new List<string>();
        while (await reader.ReadLineAsync(stopping) is { } line)
            lines.Add(line);
        return lines;
    }
}
