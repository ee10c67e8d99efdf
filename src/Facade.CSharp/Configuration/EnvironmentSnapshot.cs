using System.Collections;
using CellOS.Export.S3.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.FSharp.Collections;
using Microsoft.FSharp.Core;

namespace CellOS.Export.S3;

/// <summary>The environment as the core sees it: a look-up, and all names.</summary>
internal sealed class EnvironmentSnapshot
{
    private readonly IReadOnlyDictionary<string, string?> _variables;

    /// <param name="variables">Names and values; null for those of this process.</param>
    internal EnvironmentSnapshot(IReadOnlyDictionary<string, string?>? variables) =>
        _variables = variables ?? OfProcess();

    internal SettingsContext ToContext(CellId? cellId, bool hasProvider, DateTimeOffset now) =>
        new(new Lookup(_variables), Names(), now, CoreMapping.ToOption(cellId), hasProvider);

    /// <summary>The kind of the default sink; null if the environment names none.</summary>
    internal TargetKind? Fallback =>
        Core.Fallback.OfEnvironment(new Lookup(_variables)) is { Value: var kind } ? kind : null;

    /// <summary>What this process's environment says of proxies.</summary>
    internal static ProxyReading ProxiesOfProcess() => ProxyRulesModule.Read(new Lookup(OfProcess()));

    /// <summary>The variables in a host's configuration (of a section, all of this process), and those of this process that say of proxies.</summary>
    internal static IReadOnlyDictionary<string, string?> Of(IConfiguration configuration)
    {
        // A configuration knows no case, and these do.
        var process = OfProcess();
        // A section does not lead to the rest of the configuration.
        if (configuration is IConfigurationSection)
            return process;
        var variables = new Dictionary<string, string?>(
            HostConfiguration.Variables(configuration.AsEnumerable())
        );
        foreach (var name in ProxyRulesModule.Variables)
            if (process.TryGetValue(name, out var value))
                variables[name] = value;
        return variables;
    }

    // By hand: what FSharp.Core has for it is compiled when it is first met, which every start would wait for.
    private FSharpList<string> Names()
    {
        var names = FSharpList<string>.Empty;
        foreach (var name in _variables.Keys)
            names = FSharpList<string>.Cons(name, names);
        return names;
    }

    private sealed class Lookup(IReadOnlyDictionary<string, string?> variables)
        : FSharpFunc<string, FSharpOption<string>?>
    {
        public override FSharpOption<string>? Invoke(string name) =>
            CoreMapping.ToOption(variables.GetValueOrDefault(name));
    }

    /// <summary>The variables of this process, as they are now.</summary>
    internal static Dictionary<string, string?> OfProcess()
    {
        // On Windows the case of a variable's name does not count.
        var variables = new Dictionary<string, string?>(
            OperatingSystem.IsWindows() ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal
        );
        foreach (DictionaryEntry entry in Environment.GetEnvironmentVariables())
            variables[(string)entry.Key] = (string?)entry.Value;
        return variables;
    }
}
