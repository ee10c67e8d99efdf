using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Release;

/// <summary>The software bill of materials of a release, in CycloneDX 1.6.</summary>
internal static class BillOfMaterials
{
    private const string Product = "CellOS.Export.S3";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        // Nothing here is embedded in HTML.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Returns the document. The same release gives the same text.</summary>
    internal static string ToJson(ReleaseFolder release, string revision, DateTimeOffset time)
    {
        var components = release
            .Made.Concat(release.Parts)
            .OrderBy(component => component.Reference, StringComparer.Ordinal)
            .ToArray();
        var document = new JsonObject
        {
            ["bomFormat"] = "CycloneDX",
            ["specVersion"] = "1.6",
            ["serialNumber"] = $"urn:uuid:{IdOf(release, revision)}",
            ["version"] = 1,
            ["metadata"] = new JsonObject
            {
                ["timestamp"] = time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"),
                ["lifecycles"] = new JsonArray(new JsonObject { ["phase"] = "build" }),
                ["component"] = new JsonObject
                {
                    ["type"] = "application",
                    ["bom-ref"] = Product,
                    ["name"] = Product,
                    ["version"] = release.Version,
                    ["licenses"] = Licences(new Licence("MIT", IsExpression: true)),
                    ["properties"] = new JsonArray(
                        new JsonObject { ["name"] = "cellos:git-commit", ["value"] = revision }
                    ),
                },
            },
            ["components"] = new JsonArray([.. components.Select(component => ToNode(component))]),
            ["dependencies"] = new JsonArray([
                Dependency(Product, release.Made.Select(made => made.Reference)),
                .. components.Select(component => Dependency(component.Reference, component.DependsOn)),
            ]),
        };
        return document.ToJsonString(Indented) + "\n";
    }

    private static JsonObject ToNode(Component component)
    {
        var node = new JsonObject
        {
            ["type"] = component.Type,
            ["bom-ref"] = component.Reference,
            ["name"] = component.Name,
            ["version"] = component.Version,
        };
        if (component.Digest is var (algorithm, value))
            node["hashes"] = new JsonArray(new JsonObject { ["alg"] = algorithm, ["content"] = value });
        if (component.Licence is { } licence)
            node["licenses"] = Licences(licence);
        if (component.Copyright is { } copyright)
            node["copyright"] = copyright;
        if (component.PackageUrl is { } url)
            node["purl"] = url;
        return node;
    }

    private static JsonArray Licences(Licence licence) =>
        licence.IsExpression
            ? new JsonArray(new JsonObject { ["expression"] = licence.Text })
            : new JsonArray(new JsonObject { ["license"] = new JsonObject { ["name"] = licence.Text } });

    private static JsonObject Dependency(string reference, IEnumerable<string> needs) =>
        new JsonObject
        {
            ["ref"] = reference,
            ["dependsOn"] = new JsonArray([
                .. needs.Distinct().Order(StringComparer.Ordinal).Select(need => JsonValue.Create(need)),
            ]),
        };

    /// <summary>A UUID of version 8 (RFC 9562), from what identifies the release.</summary>
    private static Guid IdOf(ReleaseFolder release, string revision)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{Product}\n{release.Version}\n{revision}"));
        hash[6] = (byte)((hash[6] & 0x0f) | 0x80);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }
}
