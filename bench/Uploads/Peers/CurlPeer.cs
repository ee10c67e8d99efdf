using System.Diagnostics;

namespace CellOS.Export.S3.Bench.Peers;

/// <summary><c>curl -T</c>, a process for each file.</summary>
internal sealed class CurlPeer(PresignedUrls urls) : IPeer
{
    private readonly string _program = Find() ?? throw new UsageException("There is no curl on the PATH.");

    /// <summary>Where it is; null where it is not installed.</summary>
    internal static string? Find() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Join(folder, OperatingSystem.IsWindows() ? "curl.exe" : "curl"))
            .FirstOrDefault(File.Exists);

    public async Task PushAsync(string name, string path)
    {
        string[] arguments = ["-q", "-sS", "-f", "--noproxy", "*", "-T", path, urls.For(name)];
        using var curl = Process.Start(_program, arguments);
        await curl.WaitForExitAsync();
        if (curl.ExitCode != 0)
            throw new InvalidOperationException($"curl ended with {curl.ExitCode}.");
    }

    public void Dispose() { }
}
