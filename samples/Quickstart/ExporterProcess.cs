using System.Collections;
using System.Diagnostics;
using System.Reflection;
using System.Text;

namespace Quickstart;

/// <summary>What came out of one run of the exporter.</summary>
internal sealed record ExporterOutput(
    int ExitCode,
    IReadOnlyList<string> Lines,
    IReadOnlyList<string> ErrorLines
);

/// <summary>This program once more, as the exporter, with an environment made from nothing.</summary>
internal static class ExporterProcess
{
    internal const string Role = "--exporter";

    /// <summary>What a .NET program needs to start, and what the library itself reads. None is a secret.</summary>
    private static readonly string[] HandedOn =
    [
        "DOTNET_ROOT",
        "SystemRoot",
        "TEMP",
        "TMPDIR",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "CELLOS_EXPORT_S3_TIMEOUT_MS",
        "CELLOS_EXPORT_S3_CONNECT_TIMEOUT_MS",
    ];

    internal static async Task<ExporterOutput> RunAsync(
        IReadOnlyCollection<Job> batch,
        bool byProxy,
        CancellationToken stopping
    )
    {
        using var exporter = Process.Start(StartInfo(batch, byProxy))!;
        try
        {
            var output = ReadLinesAsync(exporter.StandardOutput, stopping);
            var errors = ReadLinesAsync(exporter.StandardError, stopping);
            await Task.WhenAll(output, errors);
            await exporter.WaitForExitAsync(stopping);
            return new ExporterOutput(exporter.ExitCode, await output, await errors);
        }
        finally
        {
            if (!exporter.HasExited)
                exporter.Kill(entireProcessTree: true);
        }
    }

    private static ProcessStartInfo StartInfo(IReadOnlyCollection<Job> batch, bool byProxy)
    {
        var program = Environment.ProcessPath!;
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.UTF8,
        };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
            start.ArgumentList.Add(Assembly.GetExecutingAssembly().Location);
        start.ArgumentList.Add(Role);

        start.Environment.Clear();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            var name = (string)variable.Key;
            var isProxy = name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase);
            if (HandedOn.Contains(name) || (byProxy && isProxy))
                start.Environment[name] = (string?)variable.Value;
        }
        Job.Write(batch, start.Environment);
        return start;
    }

    private static async Task<List<string>> ReadLinesAsync(StreamReader reader, CancellationToken stopping)
    {
        var lines = new List<string>();
        while (await reader.ReadLineAsync(stopping) is { } line)
            lines.Add(line);
        return lines;
    }
}
