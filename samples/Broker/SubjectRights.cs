using System.ComponentModel.DataAnnotations;

namespace Broker;

/// <summary>What a caller may have, by the claim <c>sub</c> of its JWT.</summary>
internal sealed class SubjectRights
{
    /// <summary>The subject; <c>*</c> at the end stands for any text.</summary>
    [Required]
    public string Name { get; set; } = "";

    /// <summary>The cells; <c>*</c> at the end stands for any text.</summary>
    public string[] Cells { get; set; } = [];

    /// <summary>The key prefixes; the empty one is a key without a prefix.</summary>
    public string[] Prefixes { get; set; } = [""];
}
