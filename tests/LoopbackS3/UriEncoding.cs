using System.Text;

namespace LoopbackS3;

/// <summary>
/// Percent-encoding over bytes. Keys are UTF-8, but a URL is octets first: decoding to a string too early
/// would lose what a signature covers.
/// </summary>
internal static class UriEncoding
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    /// <summary>Encodes all but the unreserved set of RFC 3986, section 2.3, as SigV4's UriEncode() asks.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes, bool keepSlash = false)
    {
        var text = new StringBuilder(bytes.Length + 16);
        foreach (var b in bytes)
        {
            if (char.IsAsciiLetterOrDigit((char)b) || b is (byte)'-' or (byte)'.' or (byte)'_' or (byte)'~')
                text.Append((char)b);
            else if (keepSlash && b == '/')
                text.Append('/');
            else
                text.Append('%').Append(b.ToString("X2", null));
        }
        return text.ToString();
    }

    public static string Encode(string text, bool keepSlash = false) =>
        Encode(Encoding.UTF8.GetBytes(text), keepSlash);

    /// <summary>The octets behind a percent-encoded text, or null where a <c>%</c> is no escape.</summary>
    public static byte[]? TryDecode(string text, bool plusIsSpace = false)
    {
        var bytes = new List<byte>(text.Length);
        var source = Encoding.UTF8.GetBytes(text);
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i] == '%')
            {
                if (i + 2 >= source.Length)
                    return null;
                var (high, low) = (HexValue(source[i + 1]), HexValue(source[i + 2]));
                if (high < 0 || low < 0)
                    return null;
                bytes.Add((byte)((high << 4) | low));
                i += 2;
            }
            else
            {
                bytes.Add(plusIsSpace && source[i] == '+' ? (byte)' ' : source[i]);
            }
        }
        return [.. bytes];
    }

    /// <summary>The text of octets that are UTF-8, else null: S3 keys are UTF-8.</summary>
    public static string? TryText(byte[] bytes)
    {
        try
        {
            return StrictUtf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int HexValue(byte digit) =>
        char.IsAsciiHexDigit((char)digit) ? Convert.ToInt32(((char)digit).ToString(), 16) : -1;
}
