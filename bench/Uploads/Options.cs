using System.Globalization;

namespace CellOS.Export.S3.Bench;

/// <summary>Reads <c>--name value</c> and <c>--flag</c>; whatever nobody asked for is an error.</summary>
internal sealed class Options
{
    private readonly Dictionary<string, string?> _given = [];
    private readonly HashSet<string> _asked = [];

    /// <param name="arguments">Options alone.</param>
    /// <param name="flags">Those that take no value.</param>
    /// <exception cref="UsageException">Something else is among them, or an option twice, or without its value.</exception>
    internal Options(ReadOnlySpan<string> arguments, params string[] flags)
    {
        for (var i = 0; i < arguments.Length; i++)
        {
            var name = arguments[i];
            if (!name.StartsWith("--", StringComparison.Ordinal))
                throw new UsageException($"'{name}' is no option.");
            string? value = null;
            if (!flags.Contains(name))
                value =
                    ++i < arguments.Length
                        ? arguments[i]
                        : throw new UsageException($"{name} wants a value.");
            if (!_given.TryAdd(name, value))
                throw new UsageException($"{name} is given twice.");
        }
    }

    internal bool Flag(string name)
    {
        _asked.Add(name);
        return _given.ContainsKey(name);
    }

    internal string? Text(string name)
    {
        _asked.Add(name);
        return _given.GetValueOrDefault(name);
    }

    internal string Required(string name) => Text(name) ?? throw new UsageException($"{name} is required.");

    /// <summary>A whole number of at least <paramref name="least"/>.</summary>
    internal long Whole(string name, long? otherwise = null, long least = 1)
    {
        var text = otherwise is null ? Required(name) : Text(name);
        if (text is null)
            return otherwise!.Value;
        return
            long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= least
            ? number
            : throw new UsageException($"{name} wants a whole number of {least} or more, not '{text}'.");
    }

    /// <summary>Called when all was asked for that there is.</summary>
    internal void EnsureNothingElse()
    {
        if (_given.Keys.FirstOrDefault(name => !_asked.Contains(name)) is { } unknown)
            throw new UsageException($"There is no option '{unknown}' here.");
    }
}
