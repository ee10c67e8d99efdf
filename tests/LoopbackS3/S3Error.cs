using System.Text;
using System.Xml;

namespace LoopbackS3;

/// <summary>An error as S3 words it ("Error Responses", Amazon S3 API Reference).</summary>
public sealed record S3Error(int Status, string Code, string Message)
{
    /// <summary>Elements beyond code and message, such as <c>Region</c>, in the order of the reply.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Details { get; init; } = [];

    internal S3Error With(string name, object value) =>
        this with
        {
            Details = [.. Details, new(name, Convert.ToString(value, null) ?? "")],
        };

    internal byte[] ToXml(string requestId, string hostId)
    {
        using var stream = new MemoryStream();
        // Keys may hold characters that XML forbids; S3 writes them as character references all the same.
        var settings = new XmlWriterSettings { Encoding = new UTF8Encoding(false), CheckCharacters = false };
        using (var xml = XmlWriter.Create(stream, settings))
        {
            xml.WriteStartElement("Error");
            xml.WriteElementString("Code", Code);
            xml.WriteElementString("Message", Message);
            foreach (var (name, value) in Details)
                xml.WriteElementString(name, value);
            xml.WriteElementString("RequestId", requestId);
            xml.WriteElementString("HostId", hostId);
            xml.WriteEndElement();
        }
        return stream.ToArray();
    }
}
