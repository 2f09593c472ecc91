using AgentIdentity.Anchoring;
using AgentIdentity.Ledger;
using AgentIdentity.Registry;
using AgentIdentity.Registry.Checkpoints;

namespace AgentIdentity.Server.Chain;

/// <summary>The ledger as the public sees it, for anchoring. One that was found to be rolled back stands for nothing: its size is 0.</summary>
internal sealed class PublishedTree(RegistryNode registry) : IAnchoredTree
{
    public string Origin { get; } = registry.State.IsBootstrapped ? registry.State.Log.Origin : registry.Settings.Name.Origin;

    public TreeSize Size => registry.Standing.IsHalted ? default : registry.PublishedLog.Newest?.Checkpoint.Size ?? default;

    public Hash RootAt(TreeSize size) => MerkleHash.Root(size, Tree.Node);

    public Hash[] Consistency(TreeSize oldSize, TreeSize newSize) => ConsistencyProof.Build(oldSize, newSize, Tree.Node);

    private SignedTree Tree => registry.PublishedLog.Newest ?? throw new InvalidOperationException("There is no checkpoint, and somebody asks for its tree.");
}
