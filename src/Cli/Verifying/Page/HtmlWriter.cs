using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace CellOS.Export.S3.Cli.Verifying.Page;

/// <summary>
/// Writes HTML. The literal parts of an interpolated text are HTML; each value in it is a text, and is escaped. What is not to be
/// escaped is written by <see cref="Raw"/>.
/// </summary>
internal sealed class HtmlWriter(TextWriter output)
{
    // Letters of all languages are written as they are; what has a meaning in HTML, or is not a character, is escaped.
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _pending = new();

    /// <summary>Writes HTML with values in it.</summary>
    internal void Write([InterpolatedStringHandlerArgument("")] Fragment html)
    {
        _ = html;
        output.Write(_pending);
        _pending.Clear();
    }

    /// <summary>Writes a part of the tool itself, as it is.</summary>
    internal void Raw(string html) => output.Write(html);

    /// <summary>Takes an interpolated text part by part.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Fragment
    {
        private readonly StringBuilder _pending;

        public Fragment(int literalLength, int formattedCount, HtmlWriter writer)
        {
            _pending = writer._pending;
            _pending.EnsureCapacity(literalLength + formattedCount);
        }

        public void AppendLiteral(string html) => _pending.Append(html);

        public void AppendFormatted(string? text)
        {
            if (text is not null)
                _pending.Append(Encoder.Encode(text));
        }

        public void AppendFormatted(long number) =>
            _pending.Append(CultureInfo.InvariantCulture, $"{number}");
    }
}
