global using V1 = AgentIdentity.Protocol.V1;
