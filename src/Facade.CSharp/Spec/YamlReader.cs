using System.Globalization;
using CellOS.Export.S3.Core;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace CellOS.Export.S3;

/// <summary>From YAML (or JSON, which is YAML) to the nodes that the core reads a spec from.</summary>
/// <remarks>
/// It works on the parser's events, not on objects: the lines are wanted, and a file of somebody else's must neither
/// overflow the stack nor grow in memory by its aliases. A node that is referred to is shared, not copied.
/// </remarks>
internal sealed class YamlReader
{
    /// <summary>Deeper than any spec, and far from the end of the stack.</summary>
    private const int MaxDepth = 64;

    /// <summary>
    /// More than any spec, and far from what a machine has: this number of references to anchors, and of keys that come
    /// in by merging. Each is a few characters in the file, and may stand for millions.
    /// </summary>
    private const int MaxReferences = 10_000;
    private const int MaxMerged = 100_000;

    private readonly Parser _parser;
    private readonly Dictionary<string, SpecNode> _anchors = [];
    private int _references;
    private int _merged;

    // A byte order mark at the head is no part of the text (YAML 1.2.2, 5.2).
    /// <summary>What the parser expects, in its own words.</summary>
    private static readonly string[] Expected =
    [
        "key",
        "node content",
        "',' or ']'",
        "',' or '}'",
        "'-' indicator",
        "comment or line break",
        "whitespace or line break",
    ];

    private YamlReader(string text) => _parser = new Parser(new StringReader(text.TrimStart('\uFEFF')));

    /// <summary>Reads the one document of a text; null if that cannot be done.</summary>
    /// <param name="text">The text; an empty one is a document that says nothing.</param>
    /// <param name="line">The line, from 1, at which it cannot be read; 0 if it can.</param>
    /// <param name="problem">Why it cannot be read and what to do; empty if it can.</param>
    internal static SpecNode? Read(string text, out int line, out string problem)
    {
        (line, problem) = (0, "");
        var reader = new YamlReader(text);
        try
        {
            return reader.ReadStream();
        }
        catch (SpecException exception)
        {
            (line, problem) = ((int)exception.Start.Line, exception.Message);
        }
        // The parser's own messages may quote the text; and of some broken ones it tells by other exceptions.
        catch (YamlException exception)
        {
            (line, problem) = Explain(text, (int)exception.End.Line, Place(exception));
        }
        catch (Exception exception)
            when (exception
                    is InvalidOperationException
                        or ArgumentException
                        or FormatException
                        or OverflowException
                        or IndexOutOfRangeException
            )
        {
            (line, problem) = Explain(text, (int)(reader._parser.Current?.End.Line ?? 1));
        }

        return null;
    }

    /// <summary>
    /// Names the nearest line that is indented with a tab, the most frequent reason and one that an editor hides; the
    /// parser may report the error lines earlier or later.
    /// </summary>
    private static (int Line, string Text) Explain(string text, int line, string place = "here.")
    {
        var indented = text.Split('\n')
            .Index()
            .Where(item => item.Item.TrimStart(' ').StartsWith('\t') && item.Item.Trim() != "")
            .Select(item => item.Index + 1)
            .ToHashSet();
        if (indented.Count == 0)
            return (line, $"The text is not valid YAML {place} Correct it.");

        var first = indented.OrderBy(at => Math.Abs(at - line)).ThenBy(at => at).First();
        while (indented.Contains(first - 1))
            first--;
        return (first, "The line is indented with a tab, which YAML does not allow. Use spaces.");
    }

    /// <summary>
    /// The column of an error, and what the parser expected there, in those words of its message that quote nothing.
    /// </summary>
    private static string Place(YamlException exception)
    {
        const string expected = "did not find expected ";
        var column = $"at column {exception.End.Column.ToString(CultureInfo.InvariantCulture)}";
        var found = exception.Message.IndexOf(expected, StringComparison.Ordinal);
        var what = found < 0 ? "" : exception.Message[(found + expected.Length)..].TrimEnd('.');
        return Array.Exists(Expected, known => known == what)
            ? $"{column}, where {what} is expected."
            : $"{column}.";
    }

    private SpecNode ReadStream()
    {
        _parser.Consume<StreamStart>();
        if (_parser.Accept<StreamEnd>(out _))
            return SpecNode.NewScalar(1, "", true);

        _parser.Consume<DocumentStart>();
        var root = ReadNode(0);
        _parser.Consume<DocumentEnd>();
        if (_parser.Accept<DocumentStart>(out var second))
            throw new SpecException(second.Start, "A second document begins here. Give one document a file.");
        return root;
    }

    /// <summary>Without quotes, and without a tag that says that it is a text all the same.</summary>
    private static bool IsPlain(Scalar scalar) =>
        scalar.Style == ScalarStyle.Plain
        && (scalar.Tag.IsEmpty || scalar.Tag.Value is not ("!" or "tag:yaml.org,2002:str"));

    private SpecNode ReadNode(int depth)
    {
        if (_parser.TryConsume<AnchorAlias>(out var alias))
        {
            if (++_references > MaxReferences)
                throw new SpecException(
                    alias.Start,
                    $"It refers to anchors more than {MaxReferences} times. Write fewer."
                );
            return _anchors.TryGetValue(alias.Value.Value, out var known)
                ? known
                : throw new SpecException(
                    alias.Start,
                    "It refers to an anchor that is not there before it. Define it first."
                );
        }

        var begun = _parser.Consume<NodeEvent>();
        if (depth > MaxDepth)
            throw new SpecException(begun.Start, $"It is nested deeper than {MaxDepth} levels. Flatten it.");

        var line = (int)begun.Start.Line;
        var node = begun switch
        {
            Scalar scalar => SpecNode.NewScalar(line, scalar.Value, IsPlain(scalar)),
            SequenceStart => SpecNode.NewSequence(line, ReadItems(depth)),
            MappingStart => SpecNode.NewMapping(line, ReadEntries(depth)),
            _ => throw new SpecException(begun.Start, "It holds something that no spec has. Take it out."),
        };
        if (!begun.Anchor.IsEmpty)
            _anchors[begun.Anchor.Value] = node;
        return node;
    }

    private SpecNode[] ReadItems(int depth)
    {
        var items = new List<SpecNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
            items.Add(ReadNode(depth + 1));
        return [.. items];
    }

    private (string, SpecNode)[] ReadEntries(int depth)
    {
        var entries = new List<(string, SpecNode)>();
        var values = new Dictionary<string, SpecNode>();
        SpecNode? merged = null;
        while (!_parser.TryConsume<MappingEnd>(out var end))
        {
            var at = _parser.Current!.Start;
            // Nothing would read what it leads to.
            if (ReadNode(depth + 1) is not SpecNode.Scalar { Value: var key })
                throw new SpecException(at, "A key is a list or a mapping. Write a text as the key.");
            var value = ReadNode(depth + 1);
            if (key == "<<" && merged is null)
                merged = CanBeMerged(value) ? value : throw NotMerged(at);
            else if (key == "<<")
                throw new SpecException(
                    at,
                    "'<<' appears twice in one mapping. Keep one of them: '<<: [*a, *b]' merges both."
                );
            else if (!values.TryAdd(key, value))
                throw new SpecException(at, "A key appears twice in one mapping. Keep one of them.");
            else
                entries.Add((key, value));
        }

        // Merge keys (yaml.org/type/merge): what is there already wins.
        foreach (var (key, value) in Merged(merged))
            if (++_merged > MaxMerged)
                throw new SpecException(
                    _parser.Current!.Start,
                    $"It merges more than {MaxMerged} keys by '<<'. Write fewer."
                );
            else if (values.TryAdd(key, value) || IsLost(key, value, values[key]))
                entries.Add((key, value));
        return [.. entries];
    }

    /// <summary>
    /// True if a merged value would vanish with artifacts or targets in it. It stays as a second one, which the core rejects.
    /// </summary>
    private static bool IsLost(string key, SpecNode value, SpecNode winner) =>
        key is "artifacts" or "targets" or "export" or "spec"
        && value is SpecNode.Sequence { Items.Length: > 0 } or SpecNode.Mapping { Entries.Length: > 0 }
        && !ReferenceEquals(value, winner);

    /// <summary>True for a mapping and for a list of mappings (yaml.org/type/merge).</summary>
    private static bool CanBeMerged(SpecNode node) =>
        node is SpecNode.Mapping
        || node is SpecNode.Sequence list && list.Items.All(item => item is SpecNode.Mapping);

    private static SpecException NotMerged(in Mark at) =>
        new(
            at,
            "'<<' merges neither a mapping nor a list of mappings. Give it an alias of a mapping, such as '<<: *common', or remove it."
        );

    private static IEnumerable<(string, SpecNode)> Merged(SpecNode? node) =>
        node switch
        {
            SpecNode.Mapping mapping => mapping.Entries.Select(entry => (entry.Item1, entry.Item2)),
            SpecNode.Sequence sequence => sequence
                .Items.OfType<SpecNode.Mapping>()
                .Distinct(ReferenceEqualityComparer.Instance)
                .SelectMany(item => Merged((SpecNode)item!)),
            _ => [],
        };

    /// <summary>What is wrong, in words of ours.</summary>
    private sealed class SpecException(in Mark at, string message) : YamlException(at, at, message);
}
