using System.Diagnostics;
using System.Reflection;

namespace CellOS.Export.S3.Bench.Running;

/// <summary>A process that this one started, and that ends with it.</summary>
internal sealed class Child : IAsyncDisposable
{
    private readonly Process _process;
    private readonly Task<string> _errors;

    private Child(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
    }

    internal StreamReader Output => _process.StandardOutput;

    /// <summary>As /proc calls it.</summary>
    internal string Id => $"{_process.Id}";

    /// <summary>This program, with another command.</summary>
    internal static Child StartSelf(params IEnumerable<string> arguments) =>
        StartAssembly(
            Assembly.GetExecutingAssembly().Location,
            Environment.CurrentDirectory,
            null,
            arguments
        );

    /// <param name="assembly">The program.</param>
    /// <param name="folder">Where it runs.</param>
    /// <param name="variables">Further environment variables.</param>
    /// <param name="arguments">The program's.</param>
    internal static Child StartAssembly(
        string assembly,
        string folder,
        IReadOnlyDictionary<string, string>? variables,
        IEnumerable<string> arguments
    )
    {
        var start = new ProcessStartInfo("dotnet", [assembly, .. arguments])
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(IsOfOthers).ToList())
            start.Environment.Remove(name);
        foreach (var (name, value) in variables ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return new Child(Process.Start(start)!);
    }

    /// <summary>Waits for its end.</summary>
    /// <exception cref="FailedException">It ended badly; the message has what it said.</exception>
    internal async Task EndAsync(string what, CancellationToken stopping)
    {
        await _process.WaitForExitAsync(stopping);
        if (_process.ExitCode != 0)
            throw new FailedException($"{what} ended with {_process.ExitCode}: {(await _errors).Trim()}");
    }

    /// <summary>Lets it go by itself for a moment, its standard input being at its end; then it is ended.</summary>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        _process.Dispose();
    }

    /// <summary>A proxy, keys or settings of this machine would change what is measured.</summary>
    private static bool IsOfOthers(string name) =>
        name.EndsWith("_PROXY", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("AWS_", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("CELLOS_", StringComparison.OrdinalIgnoreCase);
}
