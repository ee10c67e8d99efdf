using System.Diagnostics.CodeAnalysis;

namespace PublicApi.Fixture;

[Flags]
public enum Colours : byte
{
    None = 0,
    Red = 1,
    Blue = 2,
}

public interface IBase;

public interface IShape<out T> : IBase
    where T : class
{
    T? Content { get; }
    event EventHandler? Changed;
}

public delegate string? Namer(int number, string? fallback = null);

public sealed record Box(string Name, int Size = 3)
{
    public required IReadOnlyList<string?> Parts { get; init; }
    public string? Note { get; set; }
    internal string Hidden { get; init; } = "";
}

public readonly struct Point(int x)
{
    public int X { get; } = x;
}

public abstract class Figure : IDisposable
{
    public const string Kind = "a \"figure\"";
    public static readonly int Count;
    private protected int Inner;

    protected Figure(string? name) => Name = name;

    public string? Name { get; protected set; }

    protected abstract Task<string?> DrawAsync(CancellationToken cancellationToken = default);

    public virtual void Dispose() => GC.SuppressFinalize(this);

    public override string ToString() => Kind;

    [Obsolete("Use Dispose.")]
    public void Close() => Dispose();

    public static bool operator ==(Figure? a, Figure? b) => ReferenceEquals(a, b);

    public static bool operator !=(Figure? a, Figure? b) => !ReferenceEquals(a, b);

    public override bool Equals(object? obj) => ReferenceEquals(this, obj);

    public override int GetHashCode() => 0;

    public sealed class Inside
    {
        internal Inside() { }
    }
}

[Experimental("FIX001")]
public static class Extensions
{
    public static TItem Choose<TItem>(
        this IEnumerable<TItem> items,
        Func<TItem, bool?> choice,
        out int index,
        DayOfWeek day = DayOfWeek.Monday,
        double weight = 0.5,
        TimeSpan wait = default,
        params string[] names
    )
        where TItem : class, IShape<string>, new()
    {
        index = 0;
        return items.First();
    }

    public static (int First, string? Second) Pair(in int value, ref string? text) => (value, text);
}

internal sealed class Unseen;
