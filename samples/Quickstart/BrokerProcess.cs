using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Quickstart;

/// <summary>
/// The reference broker (<c>samples/Broker</c>) in a process of its own, on a Unix socket. It has the keys, and gives
/// the exporter a URL for each artifact of one cell.
/// </summary>
internal sealed class BrokerProcess : IAsyncDisposable
{
    private const string Ready = "Now listening on";
    private const string Granted = " got a URL for ";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cellos-broker-");
    private readonly List<string> _log = [];
    private readonly Process _process;
    private readonly Task _reading;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private BrokerProcess(StoreSettings store, string cellId, string keyPrefix)
    {
        var token = RandomNumberGenerator.GetHexString(64);
        WriteForOwner(TokenFile, token);
        var tokens = Path.Combine(_folder.FullName, "tokens.json");
        var entry = new
        {
            name = "quickstart",
            sha256 = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token))),
            cells = new[] { cellId },
            prefixes = new[] { keyPrefix },
        };
        WriteForOwner(tokens, JsonSerializer.Serialize(new[] { entry }));

        var start = CleanProcess.Of(Program, _ => false);
        string[] settings =
        [
            $"urls=http://{Url}",
            $"Broker:Endpoint={store.Endpoint}",
            "Broker:PathStyle=true",
            $"Broker:Region={store.Region}",
            $"Broker:Buckets:0={store.Bucket}",
            $"Broker:TokensFile={tokens}",
            "Broker:RequestsPerSecond=100000",
        ];
        foreach (var setting in settings)
            start.ArgumentList.Add($"--{setting}");
        start.Environment["AWS_ACCESS_KEY_ID"] = store.AccessKey;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = store.SecretKey;
        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
    }

    internal int Id => _process.Id;

    /// <summary>The address as the exporter's setting has it.</summary>
    internal string Url => $"unix:{Path.Combine(_folder.FullName, "broker.sock")}";

    internal string TokenFile => Path.Combine(_folder.FullName, "token");

    /// <summary>The lines of the broker's log that say who got a URL for what.</summary>
    internal IReadOnlyList<string> Grants
    {
        get
        {
            lock (_log)
                return [.. _log.Where(line => line.Contains(Granted, StringComparison.Ordinal))];
        }
    }

    /// <summary>The broker's program, which is built as this one is.</summary>
    private static string Program
    {
        get
        {
            var here = new DirectoryInfo(AppContext.BaseDirectory);
            var samples = here.Parent!.Parent!.Parent!.Parent!.FullName;
            return Path.Combine(samples, "Broker", "bin", here.Parent.Name, here.Name, "Broker.dll");
        }
    }

    /// <summary>Starts the broker, and waits until it listens.</summary>
    internal static async Task<BrokerProcess> StartAsync(
        StoreSettings store,
        string cellId,
        string keyPrefix,
        CancellationToken stopping
    )
    {
        var broker = new BrokerProcess(store, cellId, keyPrefix);
        try
        {
            await Task.WhenAny(broker._ready.Task, broker._reading).WaitAsync(stopping);
            return broker._ready.Task.IsCompleted
                ? broker
                : throw new UsageException($"The broker did not start: {string.Join(' ', broker._log)}");
        }
        catch
        {
            await broker.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops the broker as an operator does, and waits until its log is complete.</summary>
    internal async Task StopAsync()
    {
        if (OperatingSystem.IsWindows())
            _process.Kill();
        else if (!_process.HasExited)
            using (Process.Start("kill", ["-TERM", $"{Id}"])) { }
        await _reading;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }

    private async Task ReadAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            // The log is JSON; what .NET itself writes to standard error is not.
            var text = line.StartsWith('{') ? JsonNode.Parse(line)?["Message"]?.GetValue<string>() : line;
            if (text?.Contains(Ready, StringComparison.Ordinal) == true)
                _ready.TrySetResult();
            lock (_log)
                _log.Add(text ?? line);
        }
    }

    private static void WriteForOwner(string path, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new StreamWriter(path, options);
        file.Write(text);
    }
}
